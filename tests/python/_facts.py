"""What is known of the reference (`tests/facts`), replayed against a server on loopback.

A fact is `(provider, case)`, what the reference makes of it, and what is made of it here. Differences are listed in
groups with a reason: all facts that fit a group differ, and in the way it says, and every difference is in a group.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from _upstream import HELLO, PATIENCE

ROOT = Path(__file__).resolve().parents[2]
FACTS = ROOT / "tests" / "facts"
RSA_KEY = (ROOT / "tests" / "fixtures" / "google" / "private-key.pem").read_text()
AWS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "x", "aws_region_name": "us-east-1"}
VERTEX = {"vertex_project": "p", "vertex_location": "us-central1"}
CREDENTIALS: dict[str, dict[str, Any]] = {
    "azure": {"api_version": "2024-10-21"},
    "bedrock": AWS,
    "oci": {
        "oci_user": "u",
        "oci_fingerprint": "f",
        "oci_tenancy": "t",
        "oci_key": RSA_KEY,
        "oci_compartment_id": "c",
    },
    "predibase": {"predibase_tenant_id": "t"},
    "sagemaker": AWS,
    "sagemaker_chat": AWS,
    "snowflake": {"api_key": "pat/x"},
    "vertex_ai": {**VERTEX, "api_key": "ya29.x"},
    "watsonx": {"token": "t", "project_id": "p"},
    "watsonx_text": {"token": "t", "project_id": "p"},
}
"""What a call to a provider says besides a key, or in place of one."""


def load(name: str) -> Any:
    return json.loads((FACTS / name).read_text())


def keywords(provider: str, model: str, base: str, **more: Any) -> dict[str, Any]:
    """The keywords of a call to `provider` at `base`: one attempt, and what it takes to be sent at all."""
    name = provider.split("#")[0]
    own = CREDENTIALS.get(name, {})
    if name == "sap":
        own = {
            "aicore_client_id": "i",
            "aicore_client_secret": "s",
            "aicore_auth_url": base,
            "deployment_url": base,
        }
    key = {} if own is AWS or name in ("oci", "sap") else {"api_key": "sk-test"}
    call = {"model": model, "messages": HELLO, "api_base": base, "max_retries": 0, "timeout": PATIENCE}
    return {**call, **key, **own, **more}


class Group(NamedTuple):
    """Facts that differ for one reason. `|` stands between patterns of which one fits, `!` before those that do not."""

    provider: str
    case: str
    there: str
    """What the reference makes of it."""
    here: str
    reason: str

    def fits(self, provider: str, case: str, there: str) -> bool:
        return all(map(fits, (provider, case, there), self[:3]))


def fits(text: str, pattern: str) -> bool:
    if pattern.startswith("!"):
        return not fits(text, pattern[1:])
    return any(fnmatchcase(text, one) for one in pattern.split("|"))


class Outcome(NamedTuple):
    provider: str
    case: str
    there: str
    here: str


def compare(outcomes: Iterable[Outcome], groups: list[Group], sample: bool = False) -> list[str]:
    """What is wrong: a difference in no group, a fact of a group that does not differ as the group says, and a group
    of no facts, unless these are a sample."""
    wrong: list[str] = []
    used: set[Group] = set()
    for outcome in outcomes:
        provider, case, there, here = outcome
        group = next((group for group in groups if group.fits(provider, case, there)), None)
        if group:
            used.add(group)
        expected = group.here if group else there
        right = fits(here, expected) and here != there if group else here == there
        if not right:
            wrong.append(f"{provider} {case}: {here}, expected {expected} (the reference: {there})")
    idle = [] if sample else [group for group in groups if group not in used]
    return wrong + [f"excuses nothing: {group}" for group in idle]

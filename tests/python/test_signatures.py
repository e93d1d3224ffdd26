"""Parameters and their defaults are LiteLLM's, as `scripts/record_surface.py` recorded them."""

import inspect
import json
from pathlib import Path

import pytest
from test_surface import found

RECORDED = json.loads((Path(__file__).parents[1] / "facts" / "signatures.json").read_text())
# Functions that are not built: single services, proxies, agents' tools, and what the pending names of test_surface are.
BUILT = {name for name in RECORDED if callable(found(name))}
# Where ours differ, and why.
OTHERWISE = {
    "get_model_cost_map": "the address may be left out: nothing is fetched by itself",
    "CustomLLM.astreaming": "an async generator is what overrides it, which is no coroutine function",
}


def described(function):
    told = []
    for each in inspect.signature(function).parameters.values():
        if each.kind is each.KEYWORD_ONLY and not any(str(one).startswith("*") for one in told):
            told.append("*")
        stars = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        told.append(stars + each.name if each.default is each.empty else [each.name, plain(each.default)])
    return ["async" if inspect.iscoroutinefunction(function) else "def", *told]


def plain(value):
    if value == ():
        return {"tuple": []}
    try:
        json.dumps(value)
    except TypeError:
        return {"type": type(value).__name__}
    return value


@pytest.mark.parametrize("name", sorted(BUILT - {*OTHERWISE}))
def test_parameters_and_defaults_are_the_references(name):
    assert described(found(name)) == RECORDED[name]

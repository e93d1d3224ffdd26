"""LiteLLM's names at LiteLLM's paths: what packages import from it is here, and is one thing on every path."""

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import ferrolite

FACTS = Path(__file__).parents[1] / "facts"
ROWS = [line.split("\t") for line in (FACTS / "surface.tsv").read_text().splitlines()[1:]]

# Names that are not built yet. A name that is there must leave the list: the last test sees to it.
PENDING: set[str] = set()
# Names of one package each that are left out for good: they are parts of LiteLLM's machinery that this package does
# not have, so there is nothing true to answer.
LEFT_OUT = {
    "llms.vertex_ai.gemini.transformation",
    "llms.vertex_ai.gemini.transformation._transform_request_body",
    "llms.vertex_ai.vertex_ai_aws_wif.VertexAIAwsWifAuth",
    "llms.vertex_ai.vertex_ai_aws_wif.VertexAIAwsWifAuth.credentials_from_explicit_aws",
    "llms.vertex_ai.vertex_ai_aws_wif.VertexAIAwsWifAuth.extract_aws_params",
}


def found(path):
    """What is at a path, or None."""
    it, walked = ferrolite, "ferrolite"
    for name in path.split("."):
        walked += f".{name}"
        try:
            it = getattr(it, name)
        except AttributeError:
            try:
                it = import_module(walked)
            except ImportError:
                return None
    return it if it is not None else True  # a setting may be None


def paths(*tiers):
    return [path for path, tier, _ in ROWS if tier in tiers]


@pytest.mark.parametrize("path", [path for path in paths("M") if path not in PENDING | LEFT_OUT])
def test_a_module_can_be_imported(path):
    assert import_module(f"ferrolite.{path}").__name__.startswith("ferrolite")


@pytest.mark.parametrize("path", [path for path in paths("A", "B", "a", "b") if path not in PENDING])
def test_a_name_that_several_packages_use_is_there(path):
    assert found(path) is not None


def test_of_the_names_of_one_package_nearly_all_are_there():
    wanted = paths("C", "c")
    missing = {path for path in wanted if found(path) is None} - PENDING
    assert missing == LEFT_OUT - set(paths("M"))
    tier = {path.rpartition(".")[2] for path in paths("C")}
    without = {path.rpartition(".")[2] for path in LEFT_OUT if path in paths("C")}
    assert 1 - len(without) / len(tier) >= 0.95


def test_pending_names_are_still_missing():
    there = {path for path in PENDING if found(path) is not None}
    assert not there, "built meanwhile: take them off the list"


# Settings

DEFAULTS = json.loads((FACTS / "settings.json").read_text())
DOCUMENTED = [
    "suppress_debug_info",
    "set_verbose",
    "drop_params",
    "success_callback",
    "failure_callback",
    "api_base",
    "cache",
    "callbacks",
    "telemetry",
    "use_litellm_proxy",
    "api_key",
    "modify_params",
    "input_callback",
    "service_callback",
    "_async_success_callback",
    "turn_off_message_logging",
    "add_function_to_prompt",
    "enable_json_schema_validation",
    "disable_aiohttp_transport",
    "route_all_chat_openai_to_responses",
    "model_fallbacks",
    "model_alias_map",
    "max_budget",
    "_current_cost",
    "api_version",
    "organization",
    "headers",
    "openai_key",
    "azure_key",
    "xai_key",
    "client_session",
    "aclient_session",
    "REPEATED_STREAMING_CHUNK_LIMIT",
    "num_retries",
    "request_timeout",
    "DEFAULT_MAX_RETRIES",
    "num_retries_per_request",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "default_fallbacks",
    "allowed_fails",
    "max_tokens",
    "ssl_verify",
    "ssl_certificate",
    "force_ipv4",
    "project",
    "anthropic_key",
    "groq_key",
    "cohere_key",
    "openrouter_key",
    "vertex_project",
    "vertex_location",
    "pre_call_rules",
    "post_call_rules",
    "_async_input_callback",
    "_async_failure_callback",
    "redact_messages_in_exceptions",
    "log_raw_request_response",
    "return_response_headers",
    "disable_token_counter",
    "disable_streaming_logging",
    "include_cost_in_streaming_usage",
    "custom_provider_map",
    "custom_prompt_dict",
    "caching_with_models",
    "enable_caching_on_provider_specific_optional_params",
    "default_in_memory_ttl",
    "budget_exceeded_status_code",
    "model_cost_map_url",
    "secret_manager_client",
    "credential_list",
    "json_logs",
]


def test_the_settings_that_are_documented_are_there():
    missing = {name for name in DOCUMENTED if not hasattr(ferrolite, name)}
    assert missing == set()


def test_settings_have_the_references_defaults():
    code = "import ferrolite, json; print(json.dumps({n: v for n, v in vars(ferrolite).items() if n in %r}, default=str))"
    run = subprocess.run(
        [sys.executable, "-c", code % sorted(DEFAULTS)], capture_output=True, text=True, check=True
    )
    ours = json.loads(run.stdout)
    different = {name for name, value in ours.items() if value != DEFAULTS[name]}
    assert different == set()


def test_settings_that_change_nothing_are_listed():
    listed = (FACTS.parents[1] / "docs" / "differences.md").read_text()
    source = (FACTS.parents[1] / "python" / "ferrolite" / "_settings.py").read_text()
    _, _, accepted = source.partition("# Accepted: they change nothing")
    names = re.findall(r"^(\w+): ", accepted, re.MULTILINE)
    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in listed] == []


# What has no type, or several homes


@pytest.mark.parametrize(
    ("module", "name", "told"),
    [
        (
            "ferrolite",
            "acompletoin",
            "module 'ferrolite' has no attribute 'acompletoin'. Did you mean: 'acompletion'?",
        ),
        ("ferrolite", "xyzzy", "module 'ferrolite' has no attribute 'xyzzy'"),
        ("ferrolite", "Delta", "module 'ferrolite' has no attribute 'Delta'"),
        (
            "ferrolite.utils",
            "suports_vision",
            "module 'ferrolite.utils' has no attribute 'suports_vision'. Did you mean: 'supports_vision'?",
        ),
    ],
)
def test_an_unknown_name_is_an_error_that_tells_the_nearest(module, name, told):
    with pytest.raises(AttributeError) as raised:
        getattr(import_module(module), name)
    assert str(raised.value) == told


def test_lists_and_names_are_the_references():
    recorded = json.loads((FACTS / "names.json").read_text())
    assert {each.name: each.value for each in ferrolite.LlmProviders} == recorded["LlmProviders"]
    assert "openai" in ferrolite.provider_list
    assert sorted(each.value for each in ferrolite.provider_list) == recorded["provider_list"]
    for name in ("OPENAI_CHAT_COMPLETION_PARAMS", "openai_compatible_providers"):
        assert getattr(ferrolite, name) == recorded[name]
    assert (
        recorded["DEFAULT_CHAT_COMPLETION_PARAM_VALUES"]
        == ferrolite.constants.DEFAULT_CHAT_COMPLETION_PARAM_VALUES
    )
    helpers = ferrolite.litellm_core_utils.core_helpers
    assert {name: helpers._FINISH_REASON_MAP[name] for name in recorded["finish_reasons"]} == recorded[
        "finish_reasons"
    ]
    events = ferrolite.types.llms.openai.ResponsesAPIStreamEvents
    ours = {each.name: each.value for each in events}
    assert {name: ours.get(name) for name in recorded["ResponsesAPIStreamEvents"]} == recorded[
        "ResponsesAPIStreamEvents"
    ]


def test_one_thing_is_one_object_on_every_path():
    by_name = {}
    for path in (*paths("A"), *paths("B")):
        if path.startswith("Router."):
            continue  # methods have the names of functions
        if path not in PENDING and path.count(".") < 4 and path not in SEVERAL:
            by_name.setdefault(path.rpartition(".")[2], set()).add(id(found(path)))
    assert [name for name, ids in by_name.items() if len(ids) > 1] == []


SEVERAL = {"anthropic_interface.messages.acreate", "llms.fireworks_ai.cost_calculator.cost_per_token"}


# Modules whose names are being built: the lines of the table go when their files come.
TO_COME = {
    "router",
    "types.router",
    "types.utils",
}


def test_the_table_names_nothing_that_is_not_there():
    from ferrolite import _surface

    missing = set()
    for module, names in _surface.MODULES.items():
        for entry in names.split():
            name = entry.partition("=")[0]
            if name != "*" and not hasattr(import_module(f"ferrolite.{module}"), name):
                missing.add(module)
    assert missing <= TO_COME
    for home, names in _surface.HOMES.items():
        assert [name for name in names.split() if not hasattr(import_module(f"ferrolite.{home}"), name)] == []


def test_what_dir_lists_is_there():
    assert [name for name in dir(ferrolite) if not hasattr(ferrolite, name)] == []

#!/usr/bin/env python3
"""Record LiteLLM's signatures, the defaults of its settings and its lists of names into tests/facts/.

Run it with a Python that has LiteLLM (the version that `docs/differences.md` names), where no key is set:

    /path/to/python scripts/record_surface.py

Only what can be seen from outside is recorded: names of parameters, their kinds, their defaults, values of constants.
"""

import inspect
import json
import os
import types
from importlib import import_module
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
litellm = import_module("litellm")

FACTS = Path(__file__).resolve().parents[1] / "tests" / "facts"
# Functions that are not at the top, and classes whose methods users call or override.
ELSEWHERE = {
    "cost_calculator": ["get_response_cost_from_hidden_params"],
    "anthropic_interface.messages": ["acreate", "create"],
    "google_genai": [
        "agenerate_content",
        "agenerate_content_stream",
        "generate_content",
        "generate_content_stream",
    ],
    "litellm_core_utils.core_helpers": ["map_finish_reason"],
    "llms.azure.common_utils": ["get_azure_ad_token", "get_azure_ad_token_from_oidc"],
    "main": ["responses_api_bridge_check"],
    "utils": [
        "create_pretrained_tokenizer",
        "function_to_dict",
        "load_credentials_from_list",
        "supports_native_streaming",
        "supports_prompt_caching",
        "supports_tool_choice",
        "trim_messages",
        "validate_and_fix_thinking_param",
    ],
}
METHODS = {
    "Router": [
        "completion",
        "acompletion",
        "embedding",
        "aembedding",
        "text_completion",
        "atext_completion",
        "image_generation",
        "arerank",
        "get_available_deployment",
        "async_get_available_deployment",
        "set_model_list",
        "add_deployment",
        "upsert_deployment",
        "delete_deployment",
        "get_model_list",
        "get_model_names",
        "get_deployment",
        "flush_cache",
        "reset",
        "discard",
    ],
    "Cache": [],
    "BudgetManager": [],
    "CustomLogger": [],
    "CustomStreamWrapper": [],
    "CustomLLM": [
        "completion",
        "acompletion",
        "streaming",
        "astreaming",
        "embedding",
        "aembedding",
        "image_generation",
        "aimage_generation",
    ],
    "AsyncHTTPHandler": ["get", "post", "put", "patch", "delete", "close"],
    "HTTPHandler": ["get", "post", "put", "patch", "delete", "close"],
}


def plain(value):
    """A default that JSON can hold, else the name of its type."""
    if isinstance(value, tuple) and not value:
        return {"tuple": []}
    try:
        json.dumps(value)
    except TypeError:
        return {"type": type(value).__name__}
    return value


def signature(function):
    """The parameters as a list: "name", or ["name", default], with "*" and "**" as in a definition."""
    described = []
    for each in inspect.signature(function).parameters.values():
        if each.kind is each.KEYWORD_ONLY and not any(str(one).startswith("*") for one in described):
            described.append("*")
        stars = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        known = each.default is each.empty
        described.append(stars + each.name if known else [each.name, plain(each.default)])
    return ["async", *described] if inspect.iscoroutinefunction(function) else ["def", *described]


def compact(found):
    lines = [f" {json.dumps(name)}: {json.dumps(found[name], sort_keys=True)}" for name in sorted(found)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def signatures():
    found = {}
    tops = {name: value for name, value in vars(litellm).items() if isinstance(value, types.FunctionType)}
    for name in (
        *tops,
        "completion_cost",
        "cost_per_token",
        "encode",
        "decode",
        "get_supported_openai_params",
    ):
        value = getattr(litellm, name)
        if name[0] != "_" and value.__module__.startswith("litellm"):
            found[name] = signature(value)
    for name in dir(litellm.utils):
        if name.startswith(
            ("supports_", "validate_env", "check_valid", "get_valid", "get_max", "register_", "get_api_base")
        ):
            value = getattr(litellm.utils, name)
            if isinstance(value, types.FunctionType):
                path = name if hasattr(litellm, name) else f"utils.{name}"
                found[path] = signature(value)
    for module, names in ELSEWHERE.items():
        for name in names:
            found[f"{module}.{name}"] = signature(getattr(import_module(f"litellm.{module}"), name))
    for name, methods in METHODS.items():
        if name == "CustomLogger":
            owner = import_module("litellm.integrations.custom_logger").CustomLogger
        elif name == "Cache":
            owner = import_module("litellm.caching.caching").Cache
        elif name.endswith("HTTPHandler"):
            owner = getattr(import_module("litellm.llms.custom_httpx.http_handler"), name)
        else:
            owner = getattr(litellm, name)
        for method in ("__init__", *methods):
            found[f"{name}.{method}"] = signature(getattr(owner, method))
    errors = import_module("litellm.exceptions")
    for name, value in vars(errors).items():
        if (
            isinstance(value, type)
            and issubclass(value, Exception)
            and value.__module__ == "litellm.exceptions"
        ):
            found[f"exceptions.{name}.__init__"] = signature(value.__init__)
    return found


def settings():
    found = {}
    for name, value in vars(litellm).items():
        if name.startswith("__") or name == "_openai_completion_params" or name.endswith("_models"):
            continue
        if isinstance(value, (bool, int, float, str, type(None))) or value in ([], {}):
            found[name] = value
    return found


def lists():
    names = "OPENAI_CHAT_COMPLETION_PARAMS openai_compatible_providers openai_text_completion_compatible_providers"
    found = {name: [str(getattr(x, "value", x)) for x in getattr(litellm, name)] for name in names.split()}
    found["LlmProviders"] = {each.name: each.value for each in litellm.LlmProviders}
    found["provider_list"] = sorted(each.value for each in litellm.provider_list)
    found["DEFAULT_CHAT_COMPLETION_PARAM_VALUES"] = litellm.constants.DEFAULT_CHAT_COMPLETION_PARAM_VALUES
    found["finish_reasons"] = import_module("litellm.litellm_core_utils.core_helpers")._FINISH_REASON_MAP
    found["ResponsesAPIStreamEvents"] = {
        each.name: each.value for each in import_module("litellm.types.llms.openai").ResponsesAPIStreamEvents
    }
    return found


if __name__ == "__main__":
    (FACTS / "signatures.json").write_text(compact(signatures()))
    (FACTS / "settings.json").write_text(compact(settings()))
    (FACTS / "names.json").write_text(compact(lists()))

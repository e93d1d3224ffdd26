"""What is told of models and providers before a call, against the reference's own lists and against calls."""

import json
import re
from pathlib import Path

import pytest

import ferrolite
from ferrolite import _core, utils

FACTS = json.loads(
    (Path(__file__).parents[1] / "facts" / "supported_params.json").read_text(encoding="utf-8")
)

# What our list names and the reference's does not: (why, names, providers or None for any).
MORE = [
    (
        "they are the call's, and work at every provider",
        {"extra_headers", "max_retries", "stream", "stream_options"},
        None,
    ),
    ("it is taken from the caller and left out", {"cache_control", "speed", "user"}, None),
    (
        "a server gets them as it gets any other keyword",
        {"context_management", "include_server_side_tool_invocations"},
        {"sagemaker_chat", "sagemaker_nova", "sap"},
    ),
    ("a forced tool is words or a name there", {"tool_choice"}, {"bedrock", "ollama"}),
    ("tools are put into the prompt", {"functions", "tools"}, {"ollama"}),
    ("Claude 3 is asked as other models are", {"reasoning_effort", "thinking"}, {"bedrock"}),
    ("its models that reason take a budget", {"thinking"}, {"mistral", "snowflake"}),
]
OWN = "it is no parameter of OpenAI's: it goes to the provider as it is"
# What the reference's list names and ours does not.
LESS = [
    (OWN, None, {"fireworks_ai", "gradient_ai", "inception"}),
    (OWN, {"top_k"}, {"maritalk", "sagemaker_nova", "sambanova", "vertex_ai", "vertex_ai_beta"}),
    (OWN, {"allowed_token_ids", "suffix", "truncate_prompt_tokens"}, None),
    (OWN, {"extra_body", "output_config", "reasoning_split", "requestMetadata"}, None),
    (
        "it steers the call",
        {
            "api_base",
            "api_key",
            "api_version",
            "base_url",
            "default_headers",
            "deployment_id",
            "include_server_side_tool_invocations",
            "metadata",
            "organization",
            "request_timeout",
            "timeout",
            "vertex_location",
            "vertex_project",
        },
        None,
    ),
    ("it is no parameter at all", {"messages", "model"}, None),
    ("the provider refuses it", {"n"}, {"bedrock_mantle"}),
    ("some servers refuse it: it is dropped", {"user"}, {"azure_ai", "zerogpu"}),
    ("only without reasoning", {"logprobs", "top_logprobs", "top_p"}, {"azure_ai", "github_copilot"}),
    ("the model is not listed with it", {"tool_choice"}, {"github_copilot"}),
    (
        "a prompt has no place for it",
        {"function_call", "functions", "response_format", "tool_choice", "tools", "top_logprobs"},
        {"text-completion-openai"},
    ),
    ("its body has no place for it", None, {"custom"}),
]


def is_explained(name, provider, reasons):
    return any(
        (names is None or name in names) and (providers is None or provider in providers)
        for _, names, providers in reasons
    )


CASES = [
    (provider, facts[model], facts[params])
    for provider, facts in FACTS.items()
    for model, params in (("model", "params"), ("reasoning_model", "reasoning_params"))
    if model in facts
]


@pytest.mark.parametrize(("provider", "model", "reference"), CASES)
def test_the_parameters_are_those_of_the_reference(provider, model, reference):
    ours = set(ferrolite.get_supported_openai_params(model, provider))
    # The reference's list is empty for providers whose calls take everything.
    more = {name for name in ours - set(reference) if reference and not is_explained(name, provider, MORE)}
    less = {name for name in set(reference) - ours if not is_explained(name, provider, LESS)}
    assert (more, less) == (set(), set())


def test_every_reason_is_needed():
    for reasons, sign in ((MORE, 1), (LESS, -1)):
        for reason in reasons:
            assert any(
                is_explained(name, provider, [reason])
                for provider, model, reference in CASES
                for ours in [set(ferrolite.get_supported_openai_params(model, provider))]
                for name in (ours - set(reference) if sign == 1 else set(reference) - ours)
            ), reason


ENVIRONMENT = """
AICORE_AUTH_URL AICORE_CLIENT_ID AICORE_CLIENT_SECRET OCI_COMPARTMENT_ID OCI_FINGERPRINT OCI_KEY OCI_TENANCY OCI_USER
PREDIBASE_TENANT_ID
"""
"""What some providers want besides a key, before they look at parameters."""
VALUES = {
    "n": 2,
    "logprobs": True,
    "parallel_tool_calls": True,
    "response_format": {"type": "json_object"},
    "store": True,
    "stop": ["x"],
}


@pytest.mark.parametrize(("provider", "model", "_reference"), CASES)
def test_a_call_refuses_what_is_not_in_the_list(provider, model, _reference, monkeypatch):
    for name in ENVIRONMENT.split():
        monkeypatch.setenv(name, "http://127.0.0.1:1" if name.endswith("URL") else "x")
    ours = set(ferrolite.get_supported_openai_params(model, provider))
    everything = set(_core.supported_params("x", "custom_openai")) | {
        "cache_control",
        "context_management",
        "reasoning_effort",
        "speed",
        "thinking",
        "verbosity",
    }
    everything -= {"stream", "extra_headers", "max_retries"}
    given = {name: VALUES.get(name, "any") for name in everything}
    with pytest.raises(ferrolite.CallError) as raised:
        ferrolite.completion(
            model,
            [{"role": "user", "content": "Hi"}],
            custom_llm_provider=provider,
            api_key="key",
            api_base="http://127.0.0.1:1",
            max_retries=0,
            num_retries=0,
            vertex_project="p",
            vertex_location="us-central1",
            **given,
        )
    refused = set()
    if isinstance(raised.value, ferrolite.UnsupportedParamsError):
        listed = re.search(r"parameters: \[([^\]]*)\]", raised.value.message)
        refused = set(re.findall(r"'(\w+)'", listed[1])) if listed else set()
    # Those that are not OpenAI's go to a server of its format as they are.
    passed = {"cache_control", "context_management", "speed", "include_server_side_tool_invocations"}
    assert refused - passed == everything - ours - passed


def test_parameters_of_models_and_call_types():
    params = ferrolite.get_supported_openai_params
    assert "user" in params("gpt-4o")
    assert "reasoning_effort" not in params("gpt-4o")
    assert "reasoning_effort" in params("openai/some-model")
    assert "top_p" not in params("o3-mini")
    assert "top_p" not in params("my-deployment", "openai", base_model="openai/o3-mini")
    assert params("text-embedding-3-small", "openai", request_type="embeddings") == [
        "dimensions",
        "encoding_format",
        "user",
    ]
    assert params("claude-sonnet-4-5", "anthropic", request_type="embeddings") is None
    assert params("no-such-model") is None
    assert params("no-such-model", "no-such-provider") is None


# Abilities, as the reference tells them

ABLE = [
    ("supports_vision", "gpt-4o", True),
    ("supports_vision", "openai/gpt-4o", True),
    ("supports_vision", "groq/gpt-4o", False),
    ("supports_vision", "no-such-model", False),
    ("supports_vision", "anthropic/claude-sonnet-4-5", True),
    ("supports_vision", "bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0", True),
    ("supports_vision", "us.anthropic.claude-3-5-sonnet-20240620-v1:0", True),
    ("supports_vision", "ft:gpt-4o-2024-08-06:org::id", True),
    ("supports_vision", "vertex_ai/gemini-2.5-pro", True),
    ("supports_vision", "hosted_vllm/llama", False),
    ("supports_function_calling", "gpt-4o", True),
    ("supports_function_calling", "groq/no-such-model", False),
    ("supports_function_calling", "fireworks_ai/no-such-model", True),
    ("supports_parallel_function_calling", "gpt-4o", True),
    ("supports_response_schema", "gpt-4o", True),
    ("supports_response_schema", "databricks/no-such-model", True),
    ("supports_response_schema", "lm_studio/no-such-model", True),
    ("supports_response_schema", "predibase/no-such-model", True),
    ("supports_response_schema", "gemini/no-such-model", False),
    ("supports_response_schema", "together_ai/no-such-model", False),
    ("supports_reasoning", "o1", True),
    ("supports_reasoning", "gpt-4o", False),
    ("supports_audio_input", "gemini/gemini-2.5-pro", True),
    ("supports_audio_output", "gpt-4o", False),
    ("supports_pdf_input", "claude-sonnet-4-5", True),
    ("supports_web_search", "gpt-4o-search-preview", True),
    ("supports_web_search", "gpt-4o", False),
    ("supports_web_search", "azure/gpt-4.1", False),
    ("supports_url_context", "gemini/gemini-2.5-pro", True),
    ("supports_computer_use", "claude-sonnet-4-5", True),
    ("supports_computer_use", "aihubmix/claude-haiku-4-5", True),
    ("supports_prompt_caching", "gpt-4o", True),
    ("supports_tool_choice", "gpt-4o", True),
    ("supports_assistant_prefill", "claude-sonnet-4-5", True),
]


@pytest.mark.parametrize(("function", "model", "able"), ABLE)
def test_abilities(function, model, able):
    assert getattr(utils, function)(model) is able


def test_abilities_that_need_the_provider():
    assert ferrolite.supports_system_messages("gpt-4o", "openai") is True
    assert ferrolite.supports_system_messages("gpt-4o", None) is True
    assert utils.supports_native_streaming("gpt-4o", None) is True
    assert utils.supports_native_streaming("o1-pro", None) is False
    assert utils.supports_native_streaming("no-such-model", None) is False
    assert ferrolite.supports_vision("gpt-4o", "azure") is True
    assert utils.supports_factory("gpt-4o", None, "supports_vision") is True
    assert utils.supports_factory("gpt-4o", None, "supports_reasoning") is False
    assert ferrolite.supports_httpx_timeout("openai") is True
    assert ferrolite.supports_httpx_timeout("no-such-provider") is False


def test_the_names_of_the_modules():
    for name in ("get_supported_openai_params", "validate_environment", "supports_vision"):
        assert getattr(ferrolite, name) is getattr(utils, name)
        assert name in dir(ferrolite)
    assert utils.ModelResponse is ferrolite.ModelResponse
    for name in ("supports_prompt_caching", "supports_tool_choice", "supports_native_streaming"):
        assert not hasattr(ferrolite, name)
    assert ferrolite.utils is utils


# Keys


@pytest.fixture
def nothing_set(monkeypatch):
    import os

    for name in list(os.environ):
        if re.search(r"_API_(KEY|BASE)$|^AWS_|^GOOGLE_|^VERTEX", name):
            monkeypatch.delenv(name)


@pytest.mark.usefixtures("nothing_set")
def test_what_the_environment_lacks(monkeypatch):
    def lacks(*arguments, **keywords):
        found = ferrolite.validate_environment(*arguments, **keywords)
        assert found["keys_in_environment"] is not bool(found["missing_keys"])
        return found["missing_keys"]

    assert lacks("gpt-4o") == ["OPENAI_API_KEY"]
    assert lacks("groq/x") == ["GROQ_API_KEY"]
    assert lacks("claude-sonnet-4-5") == ["ANTHROPIC_API_KEY"]
    assert lacks("bedrock/anthropic.claude-v2") == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    assert lacks("cloudflare/x") == ["CLOUDFLARE_API_KEY", "CLOUDFLARE_ACCOUNT_ID"]
    assert lacks("hosted_vllm/x") == ["HOSTED_VLLM_API_BASE"]
    assert lacks("hosted_vllm/x", api_base="http://server") == []
    assert lacks("gpt-4o", api_key="key") == []
    assert lacks("ollama/x") == []
    assert lacks("no-such-provider/x") == []
    assert ferrolite.validate_environment() == {"keys_in_environment": False, "missing_keys": []}
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    assert lacks("gpt-4o") == []


@pytest.mark.usefixtures("nothing_set")
def test_models_that_could_be_called(monkeypatch):
    assert ferrolite.get_valid_models() == []
    monkeypatch.setenv("GROQ_API_KEY", "key")
    models = ferrolite.get_valid_models()
    assert models
    assert all(model.startswith("groq/") for model in models)
    claude = ferrolite.get_valid_models(custom_llm_provider="anthropic")
    assert "claude-sonnet-4-5" in claude
    assert ferrolite.get_valid_models(custom_llm_provider="no-such-provider") == []


def test_a_key_is_tried(monkeypatch):
    asked = []

    class Handler(ferrolite.CustomLLM):
        def completion(self, api_key, optional_params, model_response, **_):
            asked.append(optional_params)
            if api_key != "good":
                raise ferrolite.llms.custom_llm.CustomLLMError(401, "bad key")
            return model_response

    monkeypatch.setattr(
        ferrolite, "custom_provider_map", [{"provider": "my-llm", "custom_handler": Handler()}]
    )
    assert ferrolite.check_valid_key("my-llm/x", "good") is True
    assert ferrolite.check_valid_key("my-llm/x", "bad") is False
    assert asked == [{"max_tokens": 10}] * 2


def test_each_key_setting_is_for_its_provider_alone(monkeypatch):
    from _upstream import HELLO, Upstream

    with Upstream() as upstream:
        monkeypatch.setattr(ferrolite, "groq_key", "sk-groq")
        monkeypatch.setattr(ferrolite, "togetherai_api_key", "sk-together")
        for model, key in (
            ("groq/m", "sk-groq"),
            ("together_ai/m", "sk-together"),
            ("custom_openai/m", None),
        ):
            ferrolite.completion(model, HELLO, api_base=upstream.url)
            sent = upstream.requests[-1].headers.get("authorization")
            assert sent == (key and f"Bearer {key}"), model
        monkeypatch.setattr(ferrolite, "groq_key", None)
        monkeypatch.setattr(ferrolite, "api_key", "sk-any")
        ferrolite.completion("groq/m", HELLO, api_base=upstream.url)
        assert upstream.requests[-1].headers["authorization"] == "Bearer sk-any"

"""Functions and classes that programs borrow: what they answer is LiteLLM's, as it was seen."""

import asyncio
import re
from pathlib import Path
from unittest import mock

import pytest

import ferrolite

MESSAGES = [{"role": "user", "content": "Hi"}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


# Parameters


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (
            {"model": "gpt-4o", "custom_llm_provider": "openai", "temperature": 0.1, "max_tokens": 5},
            {"temperature": 0.1, "max_tokens": 5, "stream": False, "extra_body": {}},
        ),
        (
            {"model": "gpt-4o", "custom_llm_provider": "openai", "top_k": 4, "n": 1, "stream": True},
            {"n": 1, "stream": True, "extra_body": {"top_k": 4}},
        ),
        (
            {"model": "llama3-8b-8192", "custom_llm_provider": "groq", "max_completion_tokens": 7},
            {"max_tokens": 7, "stream": False, "extra_body": {}},
        ),
        (
            {
                "model": "claude-sonnet-4-5",
                "custom_llm_provider": "anthropic",
                "max_tokens": 5,
                "stop": ["a"],
            },
            {"stop_sequences": ["a"], "max_tokens": 5},
        ),
        (
            {"model": "claude-sonnet-4-5", "custom_llm_provider": "anthropic", "tools": [TOOL]},
            {
                "tools": [
                    {"name": "f", "input_schema": {"type": "object", "properties": {}}, "type": "custom"}
                ]
            },
        ),
        (
            {"model": "gemini-2.0-flash", "custom_llm_provider": "gemini", "max_tokens": 5, "temperature": 0},
            {"temperature": 0, "max_output_tokens": 5},
        ),
        (
            {"model": "my-deployment", "custom_llm_provider": "azure", "temperature": 1},
            {"temperature": 1, "stream": False, "extra_body": {}},
        ),
    ],
)
def test_optional_parameters_are_what_would_be_sent(given, wanted):
    assert ferrolite.get_optional_params(**given) == wanted


def test_a_parameter_that_a_model_does_not_take_is_refused_or_dropped():
    given = {"model": "claude-sonnet-4-5", "custom_llm_provider": "anthropic", "logit_bias": {"1": 2}}
    with pytest.raises(ferrolite.UnsupportedParamsError):
        ferrolite.get_optional_params(**given)
    assert ferrolite.get_optional_params(**given, drop_params=True) == {}


def test_optional_parameters_of_embeddings():
    given = {"model": "text-embedding-3-small", "custom_llm_provider": "openai"}
    assert ferrolite.utils.get_optional_params_embeddings(**given, dimensions=5, user="u") == {
        "user": "u",
        "dimensions": 5,
    }
    cohere = {"model": "embed-english-v3.0", "custom_llm_provider": "cohere", "user": "u"}
    with pytest.raises(ferrolite.UnsupportedParamsError):
        ferrolite.utils.get_optional_params_embeddings(**cohere)
    assert ferrolite.utils.get_optional_params_embeddings(**cohere, drop_params=True) == {}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (None, None),
        ("x", "x"),
        ({"type": "enabled", "budgetTokens": 5}, {"type": "enabled", "budget_tokens": 5}),
        ({"type": "enabled", "budget_tokens": 5, "budgetTokens": 6}, {"type": "enabled", "budget_tokens": 5}),
    ],
)
def test_the_budget_of_thinking_gets_its_name(given, wanted):
    assert ferrolite.utils.validate_and_fix_thinking_param(given) == wanted


@pytest.mark.parametrize(
    ("model", "parameters", "wanted"),
    [
        ("groq/llama", {}, "https://api.groq.com/openai/v1"),
        ("gpt-4o", {"api_base": "http://x"}, "http://x"),
        (
            "gemini/gemini-pro",
            {},
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-pro:generateContent",
        ),
        ("no-such-model", {}, None),
    ],
)
def test_the_address_of_a_model(model, parameters, wanted):
    assert ferrolite.get_api_base(model, parameters) == wanted


# Secrets and credentials


def test_secrets_are_texts_or_switches(monkeypatch):
    monkeypatch.setenv("SECRET_TEXT", "hello")
    monkeypatch.setenv("SECRET_ON", "true")
    monkeypatch.setenv("SECRET_OFF", "False")
    names = ("SECRET_TEXT", "os.environ/SECRET_TEXT", "SECRET_ON", "SECRET_OFF", "SECRET_NONE")
    assert [ferrolite.get_secret(name) for name in names] == ["hello", "hello", True, False, None]
    assert [ferrolite.get_secret_str(name) for name in names] == ["hello", "hello", None, None, None]
    assert [ferrolite.get_secret_bool(name) for name in names] == [None, None, True, False, None]
    assert ferrolite.get_secret("SECRET_NONE", "default") is None


def test_a_secret_manager_is_asked_first(monkeypatch):
    monkeypatch.setenv("SECRET", "of the environment")
    monkeypatch.setattr(ferrolite, "secret_manager_client", {"SECRET": "of the manager"})
    assert ferrolite.get_secret("SECRET") == "of the manager"
    monkeypatch.setattr(ferrolite, "secret_manager_client", {})
    assert ferrolite.get_secret("SECRET") == "of the environment"


def test_credentials_have_names(monkeypatch):
    entry = {"credential_name": "mine", "credential_values": {"api_key": "k", "api_base": "b"}}
    monkeypatch.setattr(ferrolite, "credential_list", [entry])
    call = {"litellm_credential_name": "mine", "api_base": "own"}
    ferrolite.utils.load_credentials_from_list(call)
    assert call == {"litellm_credential_name": "mine", "api_base": "own", "api_key": "k"}


# Errors, responses


class StatusError(Exception):
    def __init__(self, status):
        super().__init__("told")
        self.status_code = status


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (StatusError(429), "RateLimitError"),
        (StatusError(401), "AuthenticationError"),
        (StatusError(403), "PermissionDeniedError"),
        (StatusError(400), "BadRequestError"),
        (ValueError("told"), "APIConnectionError"),
    ],
)
def test_an_exception_becomes_the_class_of_its_status(error, name):
    with pytest.raises(getattr(ferrolite, name), match="told") as raised:
        ferrolite.exception_type(model="m", original_exception=error, custom_llm_provider="openai")
    assert raised.value.llm_provider == "openai"


def test_an_error_of_ours_stays_what_it_is():
    error = ferrolite.RateLimitError("m", "openai", "gpt")
    assert ferrolite.exception_type("m", error, "openai") is error


def test_a_response_and_its_hidden_parameters():
    extract = ferrolite.litellm_core_utils.litellm_logging._extract_response_obj_and_hidden_params
    response = ferrolite.ModelResponse()
    response._hidden_params = {"a": 1}
    assert extract(response, None) == (response.model_dump(), {"a": 1})
    assert extract({"a": 1}, None) == ({"a": 1}, None)
    assert extract(None, ValueError()) == ({}, None)


@pytest.mark.parametrize(
    ("model", "provider", "mode", "name"),
    [
        ("responses/gpt-4o", "openai", "responses", "gpt-4o"),
        ("gpt-4o", "openai", "chat", "gpt-4o"),
        ("unlisted", "groq", None, "unlisted"),
    ],
)
def test_what_a_chat_completion_is_sent_as(model, provider, mode, name):
    facts, own = ferrolite.main.responses_api_bridge_check(model, provider)
    assert (facts.get("mode"), own) == (mode, name)


def test_completion_with_retries_is_a_completion_with_retries():
    with (
        mock.patch("ferrolite._call.completion") as completion,
        mock.patch("ferrolite._call.acompletion") as other,
    ):
        ferrolite.completion_with_retries("openai/x", MESSAGES, retry_strategy="exponential_backoff_retry")
        asyncio.run(ferrolite.acompletion_with_retries("openai/x", MESSAGES, num_retries=5))
    completion.assert_called_once_with("openai/x", MESSAGES, num_retries=3)
    other.assert_called_once_with("openai/x", MESSAGES, num_retries=5)


@pytest.mark.parametrize("name", ["completion", "responses"])
@pytest.mark.parametrize(
    ("given", "retries"),
    [
        ({}, 3),
        ({"num_retries": 0, "max_retries": 4}, 0),
        ({"max_retries": 0}, 0),
        ({"num_retries": None, "max_retries": 2}, 2),
    ],
)
def test_how_often_is_one_rule(name, given, retries):
    function = mock.Mock()
    getattr(ferrolite, f"{name}_with_retries")("m", original_function=function, **given)
    function.assert_called_once_with("m", num_retries=retries)
    function = mock.AsyncMock()
    asyncio.run(getattr(ferrolite, f"a{name}_with_retries")("m", original_function=function, **given))
    function.assert_awaited_once_with("m", num_retries=retries)


# Questions about single providers


def test_a_providers_class_answers_for_it(monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    config = ferrolite.AnthropicConfig()
    assert "max_tokens" in config.get_supported_openai_params("claude-sonnet-4-5")
    mapped = config.map_openai_params(
        {"max_tokens": 3, "stop": "x", "unknown": 1}, {}, "claude-sonnet-4-5", False
    )
    assert mapped == {"max_tokens": 3, "stop_sequences": ["x"]}
    headers = config.validate_environment({}, "claude", [], {}, {}, api_key="k")
    assert headers == {
        "x-api-key": "k",
        "anthropic-version": "2023-06-01",
        "Content-Type": "application/json",
    }
    assert config.get_api_key() is None
    monkeypatch.setenv("ANTHROPIC_API_KEY", "of the environment")
    assert config.get_api_key() == "of the environment"
    assert config.get_complete_url("http://x", None, "claude", {}, {}) == "http://x/v1/messages"


def test_openais_class_answers_for_it():
    config = ferrolite.llms.openai.chat.gpt_transformation.OpenAIGPTConfig()
    assert config.map_openai_params({"temperature": 1, "foo": 2}, {}, "gpt-4o", False) == {"temperature": 1}
    headers = config.validate_environment({}, "gpt-4o", [], {}, {}, api_key="k")
    assert headers == {"Authorization": "Bearer k", "Content-Type": "application/json"}
    assert config.get_complete_url("http://x/v1", None, "m", {}, {}) == "http://x/v1/chat/completions"
    body = config.transform_request("m", MESSAGES, {"a": 1}, {}, {})
    assert body == {"model": "m", "messages": MESSAGES, "a": 1}


def test_which_provider_has_responses():
    manager = ferrolite.ProviderConfigManager
    assert manager.get_provider_responses_api_config(provider=ferrolite.LlmProviders.OPENAI, model="x")
    assert manager.get_provider_responses_api_config(provider="anthropic", model="x") is None
    assert (
        type(manager.get_provider_chat_config("x", ferrolite.LlmProviders.ANTHROPIC))
        is ferrolite.AnthropicConfig
    )
    assert manager.get_provider_chat_config("x", ferrolite.LlmProviders.GROQ).custom_llm_provider == "groq"
    assert manager.get_provider_chat_config("x", ferrolite.LlmProviders.LANGFUSE) is None


@pytest.mark.parametrize(
    ("provider", "variable", "base"),
    [
        ("cerebras", "CEREBRAS_API_KEY", "https://api.cerebras.ai/v1"),
        ("cohere", "COHERE_API_KEY", "https://api.cohere.com"),
        ("nebius", "NEBIUS_API_KEY", "https://api.studio.nebius.ai/v1"),
    ],
)
def test_a_provider_gets_its_own_key_only(provider, variable, base, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "openais")
    monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("CO_API_KEY", raising=False)
    config = ferrolite.ProviderConfigManager.get_provider_chat_config("m", provider)
    assert config.get_api_key() is type(config).get_api_key() is None
    assert config.get_api_base() == base
    assert "Authorization" not in config.validate_environment({}, "m", MESSAGES, {}, {})
    monkeypatch.setenv(variable, "its-own")
    assert config.validate_environment({}, "m", MESSAGES, {}, {})["Authorization"] == "Bearer its-own"
    again = ferrolite.ProviderConfigManager.get_provider_chat_config("m", provider)
    assert type(again) is type(config)
    assert ferrolite.OpenAIGPTConfig.get_api_key() == "openais"


def test_settings_with_keys_are_those_that_calls_read(monkeypatch):
    from ferrolite.llms import configs

    source = (Path(__file__).parents[2] / "src" / "python" / "settings.rs").read_text()
    table = source.partition("const KEYS: ")[2].partition("];")[0]
    assert dict(re.findall(r'\("(\w+)", "(\w+)"\)', table)) == configs._KEY_SETTINGS
    monkeypatch.setattr(ferrolite, "togetherai_api_key", "by-setting")
    assert ferrolite.TogetherAIConfig.get_api_key() == "by-setting"


@pytest.mark.parametrize(
    ("model", "route", "base"),
    [
        ("anthropic.claude-3-sonnet-20240229-v1:0", "converse", "anthropic.claude-3-sonnet-20240229-v1:0"),
        ("invoke/anthropic.claude-3", "invoke", "anthropic.claude-3"),
        ("agent/A/B", "agent", "agent/A/B"),
        ("us.amazon.nova-lite-v1:0", "converse", "amazon.nova-lite-v1:0"),
        ("arn:aws:bedrock:us-east-1:123:imported-model/abc", "converse", "abc"),
    ],
)
def test_names_of_bedrocks_models(model, route, base):
    info = ferrolite.llms.bedrock.common_utils.BedrockModelInfo
    assert (info.get_bedrock_route(model), info.get_base_model(model)) == (route, base)


def test_azures_credentials(monkeypatch):
    for name in ("AZURE_AD_TOKEN", "AZURE_API_KEY", "AZURE_OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    common = ferrolite.llms.azure.common_utils
    assert common.get_azure_ad_token({"azure_ad_token": "t"}) == "t"
    assert common.get_azure_ad_token(ferrolite.types.router.GenericLiteLLMParams()) is None
    validate = common.BaseAzureLLM._base_validate_azure_environment
    assert validate({}, {"api_key": "k"}) == {"api-key": "k"}
    assert validate({}, {"azure_ad_token": "t"}) == {"Authorization": "Bearer t"}
    with pytest.raises(ValueError, match="client id"):
        common.get_azure_ad_token_from_oidc("oidc/env/NO_SUCH_VARIABLE")


def test_a_token_to_exchange_is_found_as_in_calls(tmp_path, monkeypatch):
    pytest.importorskip("httpx")
    exchange = ferrolite.llms.azure.common_utils.get_azure_ad_token_from_oidc
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text("from-file\n")
    monkeypatch.setenv("TOKEN_PATH", "token")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "login.example")
    with mock.patch("ferrolite._http.HTTPHandler.post") as post:
        post.return_value.json.return_value = {"access_token": "t"}
        for named in ("oidc/file/token", f"oidc/file/{tmp_path}/token", "oidc/env_path/TOKEN_PATH"):
            assert exchange(named, "client", "tenant") == "t"
    for call in post.call_args_list:
        assert call.args == ("https://login.example/tenant/oauth2/v2.0/token",)
        assert call.kwargs["data"]["client_assertion"] == "from-file"
    with pytest.raises(ValueError, match="NOT_SET"):
        exchange("oidc/env/NOT_SET", "client", "tenant")
    with pytest.raises(ValueError, match="oidc/file/PATH"):
        exchange("oidc/github/x", "client", "tenant")
    with pytest.raises(FileNotFoundError):
        exchange("oidc/file/missing", "client", "tenant")


def test_the_registry_of_providers():
    registry = ferrolite.llms.openai_like.json_loader.JSONProviderRegistry
    assert "groq" in registry.list_providers()
    assert registry.get("groq").base_url == "https://api.groq.com/openai/v1"
    assert registry.get("groq").api_key_env == "GROQ_API_KEY"
    assert registry.get("anthropic") is None
    assert not registry.exists("no-such-provider")


# HTTP


def test_http_handlers_raise_for_what_is_sent():
    httpx = pytest.importorskip("httpx")
    handlers = ferrolite.llms.custom_httpx.http_handler

    def answer(request):
        return httpx.Response(
            404 if request.method == "POST" else 200, text=request.content.decode() or "got"
        )

    transport = httpx.MockTransport(answer)
    with handlers.HTTPHandler(client=httpx.Client(transport=transport)) as client:
        assert client.get("http://x").text == "got"
        with pytest.raises(httpx.HTTPStatusError) as raised:
            client.post("http://x/path?key=secret", json={"a": 1})
    assert "http://x/path" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert (raised.value.status_code, raised.value.text) == (404, '{"a":1}')

    async def run():
        async with handlers.AsyncHTTPHandler(transport=transport) as client:
            assert (await client.put("http://x", data="text")).text == "text"
            with pytest.raises(httpx.HTTPStatusError):
                await client.post("http://x", content="text")

    asyncio.run(run())


def test_types_of_messages_are_dicts():
    message = ferrolite.ChatCompletionUserMessage(role="user", content="Hi")
    assert message == MESSAGES[0]
    pydantic = pytest.importorskip("pydantic")
    adapter = pydantic.TypeAdapter(ferrolite.ChatCompletionToolParam)
    assert adapter.validate_python({"type": "function", "function": {"name": "f"}})
    with pytest.raises(pydantic.ValidationError):
        adapter.validate_python({"type": "function"})


def test_a_login_to_chatgpt_is_read_and_not_made(tmp_path, monkeypatch):
    from ferrolite.llms.chatgpt.authenticator import Authenticator, GetAccessTokenError

    monkeypatch.setenv("CHATGPT_TOKEN_DIR", str(tmp_path))
    with pytest.raises(GetAccessTokenError, match="no login") as caught:
        Authenticator().get_access_token()
    assert caught.value.status_code == 401
    Authenticator()._write_auth_file({"access_token": "t"})
    assert Authenticator().get_access_token() == "t"


def test_streams_go_through_the_hooks_that_programs_patch():
    from ferrolite.completion_extras.litellm_responses_transformation import transformation
    from ferrolite.llms.chatgpt.chat.streaming_utils import ChatGPTToolCallNormalizer

    class Marked(transformation.OpenAiResponsesToChatCompletionStreamIterator):
        def chunk_parser(self, chunk):
            return super().chunk_parser(chunk), "seen"

    assert list(Marked(["a"], sync_stream=True)) == [("a", "seen")]
    assert list(ChatGPTToolCallNormalizer(["a", "b"])) == ["a", "b"]

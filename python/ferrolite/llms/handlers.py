"""What programs ask of LiteLLM's classes for single services besides chats: keys, tokens, routes, clients.

As in `configs`: they answer, and patching them changes no call of this package.
"""

from __future__ import annotations

import os
import re
import sys

from ferrolite.llms.configs import AnthropicConfig, BaseConfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_settings = sys.modules["ferrolite"].__dict__


class AnthropicModelInfo(AnthropicConfig):
    """Anthropic's keys and models."""

    @staticmethod
    def get_auth_token(auth_token: str | None = None) -> str | None:
        """The token of a login: the one given, or the environment's."""
        return auth_token or os.environ.get("ANTHROPIC_AUTH_TOKEN")

    @staticmethod
    def get_base_model(model: str | None = None) -> str | None:
        """A model's name without its provider."""
        return model.replace("anthropic/", "") if model else None


# AWS

_ROUTES = (
    "agent",
    "agentcore",
    "async_invoke",
    "chat_completions",
    "claude_platform",
    "converse",
    "converse_like",
    "invoke",
    "mantle",
    "openai",
)
_GEOGRAPHIES = ("apac", "au", "ca", "eu", "global", "jp", "us", "us-gov")


class BedrockModelInfo(BaseConfig, provider="bedrock"):
    """How Bedrock's models are named and called."""

    @staticmethod
    def get_bedrock_route(model: str, request_params: Any = None) -> str:
        """The interface of Bedrock that a model is called through: what its name says, else Converse."""
        head, slash, _ = model.removeprefix("bedrock/").partition("/")
        return head if slash and head in _ROUTES else "converse"

    @staticmethod
    def get_base_model(model: str) -> str:
        """A model's name without its route, its region's group and the rest of an ARN."""
        name = model.removeprefix("bedrock/")
        head, slash, rest = name.partition("/")
        if slash and head in ("converse", "invoke", "openai", "agentcore", "mantle"):
            name = rest
        if name.startswith("arn:"):
            return name.rpartition("/")[2]
        group, dot, rest = name.partition(".")
        return rest if dot and group in _GEOGRAPHIES else name


class AmazonBedrockGlobalConfig:
    """Bedrock's regions, and its names of the parameters that clouds share."""

    _regions = {
        "us": "us-east-1 us-east-2 us-west-1 us-west-2 us-gov-east-1 us-gov-west-1",
        "eu": "eu-west-1 eu-west-2 eu-west-3 eu-central-1 eu-central-2 eu-south-1 eu-south-2 eu-north-1",
        "ap": "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2",
        "sa": "sa-east-1",
        "ca": "ca-central-1",
    }

    def get_mapped_special_auth_params(self) -> dict[str, str]:
        """The shared name, and Bedrock's."""
        return {"region_name": "aws_region_name"}

    def map_special_auth_params(
        self, non_default_params: dict[str, Any], optional_params: dict[str, Any]
    ) -> dict[str, Any]:
        """`optional_params` with the shared parameters in Bedrock's names."""
        for name, own in self.get_mapped_special_auth_params().items():
            if name in non_default_params:
                optional_params[own] = non_default_params[name]
        return optional_params

    def get_us_regions(self) -> list[str]:
        """Regions in the United States."""
        return self._regions["us"].split()

    def get_eu_regions(self) -> list[str]:
        """Regions in Europe."""
        return self._regions["eu"].split()

    def get_ap_regions(self) -> list[str]:
        """Regions in Asia and the Pacific."""
        return self._regions["ap"].split()

    def get_sa_regions(self) -> list[str]:
        """Regions in South America."""
        return self._regions["sa"].split()

    def get_ca_regions(self) -> list[str]:
        """Regions in Canada."""
        return self._regions["ca"].split()

    def get_all_regions(self) -> list[str]:
        """All of them."""
        return " ".join(self._regions.values()).split()


MANTLE_HOST_RE = re.compile(r"^https?://bedrock-mantle\.([^/.]+)\.api\.aws(?=/|$)", re.IGNORECASE)
"""An address of Bedrock's service for OpenAI's format; the group is its region."""


class BedrockMantleAuthMixin:
    """The key of Bedrock's service for OpenAI's format."""

    @staticmethod
    def _resolve_bearer_token(api_key: str | None) -> str | None:
        return api_key or os.environ.get("AWS_BEARER_TOKEN_BEDROCK") or None

    def _resolve_region(self, api_base: str | None) -> str | None:
        found = MANTLE_HOST_RE.match(api_base or "")
        return found and found.group(1)

    def sign_request(
        self,
        headers: dict[str, Any],
        optional_params: dict[str, Any],
        request_data: dict[str, Any],
        api_base: str,
        api_key: str | None = None,
        model: str | None = None,
        stream: bool | None = None,
        fake_stream: bool | None = None,
    ) -> tuple[dict[str, Any], bytes | None]:
        """The headers with the key, and no body; the request goes as it is where there is no key."""
        token = self._resolve_bearer_token(api_key)
        return ({**headers, "Authorization": f"Bearer {token}"} if token else headers), None


# Azure


def get_azure_ad_token(litellm_params: Any) -> str | None:
    """The token of Entra ID that a call brings along: its own, or what its function gives, or the environment's."""
    has = _reader(litellm_params)
    token = has("azure_ad_token")
    provider = has("azure_ad_token_provider")
    if not token and callable(provider):
        token = provider()
    if isinstance(token, str) and token.startswith("oidc/"):
        return get_azure_ad_token_from_oidc(token, has("client_id"), has("tenant_id"), has("azure_scope"))
    return str(token) if token else os.environ.get("AZURE_AD_TOKEN")


def get_azure_ad_token_from_oidc(
    azure_ad_token: str,
    azure_client_id: str | None = None,
    azure_tenant_id: str | None = None,
    scope: str | None = None,
) -> str:
    """The token of Entra ID that a token of another issuer is exchanged for.

    Args:
        azure_ad_token: `oidc/env/NAME` for a token in a variable, `oidc/file/path` for one in a file (`//` for a
            path from the root), `oidc/env_path/NAME` for one in a file whose path is in a variable.

    Raises:
        ValueError: The client, the tenant or the token is missing, or the token's kind is unknown.
        OSError: The file cannot be read.
        httpx.HTTPStatusError: Entra ID refuses the exchange.
    """
    from pathlib import Path

    from ferrolite._http import HTTPHandler

    client = azure_client_id or os.environ.get("AZURE_CLIENT_ID")
    tenant = azure_tenant_id or os.environ.get("AZURE_TENANT_ID")
    if not (client and tenant):
        raise ValueError("An exchange needs a client id and a tenant id.")
    kind, _, where = azure_ad_token.removeprefix("oidc/").partition("/")
    if kind not in ("env", "env_path", "file"):
        raise ValueError(
            "azure_ad_token names no token: oidc/env/NAME, oidc/file/PATH and oidc/env_path/NAME are known"
        )
    assertion = where if kind == "file" else os.environ.get(where)
    if not assertion:
        raise ValueError(f"{azure_ad_token} is a token to exchange that is not set")
    if kind != "env":
        assertion = Path(assertion).read_text(encoding="utf-8").strip()
    authority = os.environ.get("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com").rstrip("/")
    if "://" not in authority:  # only the name of the host is told, sometimes
        authority = f"https://{authority}"
    with HTTPHandler() as http:
        reply = http.post(
            f"{authority}/{tenant}/oauth2/v2.0/token",
            data={
                "client_id": client,
                "grant_type": "client_credentials",
                "scope": scope
                or os.environ.get("AZURE_SCOPE", "https://cognitiveservices.azure.com/.default"),
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": assertion,
            },
        )
    return reply.json()["access_token"]


def _reader(params: Any) -> Any:
    """How to read a value that may be missing, of a dict or an object."""
    if isinstance(params, dict):
        return params.get  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]

    def read(name: str) -> Any:
        return getattr(params, name, None)

    return read


class BaseAzureLLM:
    """Azure's credentials, as headers or for openai's client."""

    def _resolve_env_var(self, litellm_params: Any, param_key: str, env_var_key: str) -> str | None:
        return _reader(litellm_params)(param_key) or os.environ.get(env_var_key)

    @staticmethod
    def _base_validate_azure_environment(headers: dict[str, Any], litellm_params: Any) -> dict[str, Any]:
        key = _reader(litellm_params)("api_key") or _settings["api_key"] or _settings["azure_key"]
        key = key or os.environ.get("AZURE_OPENAI_API_KEY") or os.environ.get("AZURE_API_KEY")
        if key:
            return {**headers, "api-key": key}
        token = get_azure_ad_token(litellm_params)
        return {**headers, "Authorization": f"Bearer {token}"} if token else headers

    def initialize_azure_sdk_client(
        self,
        litellm_params: dict[str, Any],
        api_key: str | None,
        api_base: str | None,
        model_name: str | None,
        api_version: str | None,
        is_async: bool,
    ) -> dict[str, Any]:
        """The arguments that `openai.AzureOpenAI` would get."""
        has = _reader(litellm_params)
        found = {
            "api_key": api_key,
            "azure_endpoint": api_base or os.environ.get("AZURE_API_BASE"),
            "api_version": api_version or _settings["api_version"] or os.environ.get("AZURE_API_VERSION"),
            "azure_ad_token": None if api_key else get_azure_ad_token(litellm_params),
            "azure_ad_token_provider": has("azure_ad_token_provider"),
            "max_retries": 2 if has("max_retries") is None else has("max_retries"),
        }
        if has("timeout") is not None:
            found["timeout"] = has("timeout")
        return found

    def get_azure_openai_client(
        self,
        api_key: str | None,
        api_base: str | None,
        api_version: str | None = None,
        client: Any = None,
        litellm_params: dict[str, Any] | None = None,
        _is_async: bool = False,
        model: str | None = None,
    ) -> Any:
        """A client of the package `openai` for a deployment."""
        if client is not None:
            return client
        from importlib import import_module

        openai: Any = import_module("openai")
        given = self.initialize_azure_sdk_client(
            litellm_params or {}, api_key, api_base, model, api_version, _is_async
        )
        return (openai.AsyncAzureOpenAI if _is_async else openai.AzureOpenAI)(**given)


# OpenAI


class BaseOpenAILLM:
    """OpenAI's clients."""

    @staticmethod
    def get_openai_client_cache_key(client_initialization_params: dict[str, Any], client_type: str) -> str:
        """A text that tells one client from another by what it was made with; keys are hashed."""
        from hashlib import sha256

        def shown(name: str) -> str:
            value = str(client_initialization_params[name])
            return sha256(value.encode()).hexdigest() if "key" in name or "token" in name else value

        return ",".join([client_type, *(f"{n}={shown(n)}" for n in sorted(client_initialization_params))])


class _Handler:
    provider = ""

    def completion(
        self, model: str, messages: list[Any], optional_params: dict[str, Any] | None = None, **given: Any
    ) -> Any:
        """A chat completion with the provider; for asyncio with `acompletion=True`."""
        package: Any = sys.modules["ferrolite"]
        run = package.acompletion if given.get("acompletion") else package.completion
        passed = {
            n: given.get(n) for n in ("api_key", "api_base", "api_version", "timeout", "azure_ad_token")
        }
        passed |= {"extra_headers": given.get("headers")} | (optional_params or {})
        known = {name: value for name, value in passed.items() if value is not None}
        return run(model=model, messages=messages, custom_llm_provider=self.provider, **known)


class OpenAIChatCompletion(_Handler, BaseOpenAILLM):
    """Chats with OpenAI."""

    provider = "openai"


class OpenAITextCompletion(_Handler, BaseOpenAILLM):
    """Chats with OpenAI's models that take a text."""

    provider = "text-completion-openai"


class AzureChatCompletion(_Handler, BaseAzureLLM):
    """Chats with Azure OpenAI."""

    provider = "azure"


class AzureTextCompletion(_Handler, BaseAzureLLM):
    """Chats with Azure's models that take a text."""

    provider = "azure_text"


# Others


class DatabricksBase:
    """Databricks' addresses and keys."""

    def databricks_validate_environment(
        self,
        api_key: str | None,
        api_base: str | None,
        endpoint_type: str,
        custom_endpoint: bool | None,
        headers: dict[str, Any] | None,
        custom_user_agent: str | None = None,
    ) -> tuple[str, dict[str, str]]:
        """The address of an endpoint ("chat_completions", "embeddings", "anthropic_messages"), and its headers."""
        key = api_key or _settings["databricks_key"] or os.environ.get("DATABRICKS_API_KEY")
        base = (api_base or os.environ.get("DATABRICKS_API_BASE") or "").rstrip("/")
        if not base:
            raise ValueError("Databricks needs an address: pass `api_base` or set DATABRICKS_API_BASE.")
        paths = {"chat_completions": "/chat/completions", "embeddings": "/embeddings"}
        if not custom_endpoint:
            base += paths.get(endpoint_type, "/anthropic/v1/messages")
        found = {"Content-Type": "application/json", **(headers or {})}
        if key:
            found.setdefault("Authorization", f"Bearer {key}")
        if custom_user_agent:
            found["User-Agent"] = custom_user_agent
        return base, found


class ChatGPTResponsesAPIConfig(BaseConfig, provider="chatgpt"):
    """Responses of a subscription to ChatGPT."""

    def transform_responses_api_request(
        self,
        model: str,
        input: Any,
        response_api_optional_request_params: dict[str, Any],
        litellm_params: Any,
        headers: dict[str, Any],
    ) -> dict[str, Any]:
        """The body of a request; the parameters are Responses' own."""
        return {"model": model, "input": input, **response_api_optional_request_params}


class GetAccessTokenError(Exception):
    """There is no token of a login to ChatGPT."""

    def __init__(self, status_code: int, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.status_code, self.message = status_code, message
        self.__dict__.update(facts)


class Authenticator:
    """The login to ChatGPT that lies in a file, where `chatgpt/` calls find it, too. Nobody is logged in by this."""

    def __init__(self, auth_file: str | None = None) -> None:
        folder = os.environ.get("CHATGPT_TOKEN_DIR") or os.path.expanduser("~/.config/litellm/chatgpt")
        name = auth_file or os.environ.get("CHATGPT_AUTH_FILE") or "auth.json"
        self.auth_file = os.path.join(folder, name)

    def get_access_token(self) -> str:
        """The token.

        Raises:
            GetAccessTokenError: The file is not there, or has none.
        """
        token = (self._read_auth_file() or {}).get("access_token")
        return token or self._login_device_code()["access_token"]

    def _read_auth_file(self) -> dict[str, Any] | None:
        import json

        try:
            with open(self.auth_file, encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return None

    def _write_auth_file(self, data: dict[str, Any]) -> None:
        import json

        with open(self.auth_file, "w", encoding="utf-8") as file:
            json.dump(data, file)

    def _login_device_code(self) -> dict[str, str]:
        raise GetAccessTokenError(401, f"no login to ChatGPT in {self.auth_file}")


class ChatGPTToolCallNormalizer:
    """A stream as it is: the core has put the calls of tools in order already."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Any:
        return (self._normalize(chunk) for chunk in self._stream)

    async def __aiter__(self) -> Any:
        async for chunk in self._stream:
            yield self._normalize(chunk)

    def _normalize(self, chunk: Any) -> Any:
        return chunk


class OpenAiResponsesToChatCompletionStreamIterator(ChatGPTToolCallNormalizer):
    """A stream of chunks as it is: the core has made them of the events of Responses already."""

    def __init__(self, streaming_response: Any, sync_stream: bool, json_mode: bool | None = False) -> None:
        super().__init__(streaming_response)

    def _normalize(self, chunk: Any) -> Any:
        return self.chunk_parser(chunk)

    def chunk_parser(self, chunk: Any) -> Any:
        """The chunk."""
        return chunk


class VertexBase:
    """Google's credentials, by the package `google-auth`."""

    def load_auth(self, credentials: Any, project_id: str | None) -> tuple[Any, str]:
        """Fresh credentials, and the project: of a JSON text, a file, a dict, or what the machine has.

        Raises:
            ImportError: `google-auth` is not installed.
            ValueError: There is no project.
        """
        from importlib import import_module
        from json import loads
        from pathlib import Path

        google_auth: Any = import_module("google.auth")
        scopes = ["https://www.googleapis.com/auth/cloud-platform"]
        if isinstance(credentials, str):
            is_text = credentials.lstrip().startswith("{")
            credentials = loads(credentials if is_text else Path(credentials).read_text(encoding="utf-8"))
        if credentials:
            made, project = google_auth.load_credentials_from_dict(credentials, scopes=scopes)
        else:
            made, project = google_auth.default(scopes=scopes)
        made.refresh(import_module("google.auth.transport.requests").Request())
        found = project_id or project
        if not found:
            raise ValueError("There is no project: pass one, or use credentials that name it.")
        return made, found

    def _credentials_from_service_account(self, json_obj: dict[str, Any], scopes: list[str]) -> Any:
        from importlib import import_module

        accounts: Any = import_module("google.oauth2.service_account")
        return accounts.Credentials.from_service_account_info(json_obj, scopes=scopes)


def _get_gemini_url(mode: str, model: str, stream: bool | None) -> tuple[str, str]:  # pyright: ignore[reportUnusedFunction]
    endpoints = {
        "chat": "streamGenerateContent" if stream else "generateContent",
        "embedding": "embedContent",
        "batch_embedding": "batchEmbedContents",
        "count_tokens": "countTokens",
        "image_generation": "predict",
    }
    endpoint = endpoints[mode]
    url = f"https://generativelanguage.googleapis.com/v1beta/models/{model}:{endpoint}"
    return (f"{url}?alt=sse" if mode == "chat" and stream else url), endpoint


class JSONProviderRegistry:
    """The built-in providers that speak OpenAI's format."""

    @staticmethod
    def list_providers() -> list[str]:
        """Their names."""
        from ferrolite import _core

        return [name for name in _core.provider_names() if JSONProviderRegistry.get(name)]

    @staticmethod
    def get(slug: str) -> Any:
        """A provider: an object with `slug`, `base_url`, `api_key_env`, `api_base_env` and `supported_endpoints`."""
        from types import SimpleNamespace

        from ferrolite import _core

        facts = _core.provider_facts(slug)
        if facts is None or facts["wire"] != "Openai":
            return None
        return SimpleNamespace(
            slug=slug,
            base_url=facts["base"],
            api_key_env=next(iter(facts["key_env"]), None),
            api_base_env=next(iter(facts["base_env"]), None),
            base_class="openai_gpt",
            supported_endpoints=["/v1/responses"] if "responses" in facts["calls"] else [],
        )

    @staticmethod
    def exists(slug: str) -> bool:
        """Whether there is one of that name."""
        return JSONProviderRegistry.get(slug) is not None

    @staticmethod
    def supports_responses_api(slug: str) -> bool:
        """Whether it has OpenAI's Responses of its own."""
        found = JSONProviderRegistry.get(slug)
        return found is not None and bool(found.supported_endpoints)

"""What programs ask LiteLLM's classes for single providers: what a request to one would be.

A class here is a provider's name and the questions: each is answered by the core, from the provider's row. Patching one
changes no call of this package.
"""

from __future__ import annotations

import os
import sys
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_settings = sys.modules["ferrolite"].__dict__


class BaseConfig:
    """Questions about chats with one provider."""

    custom_llm_provider: str = ""

    def __init_subclass__(cls, provider: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if provider is not None:
            cls.custom_llm_provider = provider

    @classmethod
    def get_config(cls, *, model: str | None = None) -> dict[str, Any]:
        """Parameters that every call gets: none."""
        return {}

    def get_supported_openai_params(self, model: str) -> list[str]:
        """The parameters, by OpenAI's names, that a chat completion of the model takes."""
        from ferrolite import _core

        return _core.supported_params(model, self.custom_llm_provider) or []

    def map_openai_params(
        self,
        non_default_params: dict[str, Any],
        optional_params: dict[str, Any],
        model: str,
        drop_params: bool,
    ) -> dict[str, Any]:
        """`optional_params` with what the provider gets for OpenAI's parameters; others are left out.

        Raises:
            UnsupportedParamsError: The model does not take one, and `drop_params` is off.
        """
        from ferrolite._params import OPENAI_CHAT_COMPLETION_PARAMS, get_optional_params

        known = {k: v for k, v in non_default_params.items() if k in OPENAI_CHAT_COMPLETION_PARAMS}
        sent = get_optional_params(
            model, custom_llm_provider=self.custom_llm_provider, drop_params=drop_params, **known
        )
        sent.pop("extra_body", None)
        if "stream" not in known:
            sent.pop("stream", None)
        optional_params.update(sent)
        return optional_params

    def validate_environment(
        self,
        headers: dict[str, Any],
        model: str,
        messages: list[Any],
        optional_params: dict[str, Any],
        litellm_params: Any,
        api_key: str | None = None,
        api_base: str | None = None,
    ) -> dict[str, Any]:
        """The headers of a request, with the key where the provider looks for it."""
        key = self.get_api_key(api_key)
        auth = _facts(self.custom_llm_provider).get("auth")
        found: dict[str, Any] = dict(headers)
        if key:
            name, before = _KEY_HEADERS.get(auth or "", ("Authorization", "Bearer "))
            found[name] = before + key
        if auth == "Anthropic":
            found.setdefault("anthropic-version", "2023-06-01")
        found.setdefault("Content-Type", "application/json")
        return found

    def get_complete_url(
        self,
        api_base: str | None,
        api_key: str | None,
        model: str,
        optional_params: dict[str, Any],
        litellm_params: Any,
        stream: bool | None = None,
    ) -> str:
        """The address that a chat completion would go to."""
        return self._request(model, None, {"api_base": api_base, "stream": stream})[0]

    def transform_request(
        self,
        model: str,
        messages: list[Any],
        optional_params: dict[str, Any],
        litellm_params: Any,
        headers: dict[str, Any],
    ) -> dict[str, Any]:
        """The body that a chat completion would send; `optional_params` are in the provider's own names."""
        return self._request(model, messages, {})[2] | optional_params

    def _request(
        self, model: str, messages: list[Any] | None, given: dict[str, Any]
    ) -> tuple[str, dict[str, str], dict[str, Any]]:
        from ferrolite._params import request

        call = {"model": model, "custom_llm_provider": self.custom_llm_provider, "messages": messages}
        return request(call | given)

    def get_error_class(self, error_message: str, status_code: int, headers: Any) -> Exception:
        """The error that a status of the provider's stands for."""
        from ferrolite._custom import mapped
        from ferrolite.llms.custom_llm import CustomLLMError

        raised = CustomLLMError(status_code=status_code, message=error_message)
        return mapped(raised, self.custom_llm_provider, "")

    def get_models(self, api_key: str | None = None, api_base: str | None = None) -> list[str]:
        """Names of the provider's listed models. The provider is not asked."""
        from ferrolite import _core

        return _core.model_names(self.custom_llm_provider)

    @classmethod
    def get_api_key(cls, api_key: str | None = None) -> str | None:
        """The key: the one given, or the setting's, or the environment's."""
        own = _settings.get(_KEY_SETTINGS.get(cls.custom_llm_provider, ""))
        return api_key or own or _environment(_facts(cls.custom_llm_provider).get("key_env"))

    @classmethod
    def get_api_base(cls, api_base: str | None = None) -> str | None:
        """The address: the one given, or the environment's, or the provider's."""
        facts = _facts(cls.custom_llm_provider)
        return api_base or _environment(facts.get("base_env")) or facts.get("base")

    def _get_openai_compatible_provider_info(
        self, api_base: str | None, api_key: str | None
    ) -> tuple[str | None, str | None]:
        return self.get_api_base(api_base), self.get_api_key(api_key)

    get_openai_compatible_provider_info = _get_openai_compatible_provider_info


_KEY_HEADERS = {
    "Anthropic": ("x-api-key", ""),
    "ApiKey": ("api-key", ""),
    "AzureAnthropic": ("x-api-key", ""),
    "Goog": ("x-goog-api-key", ""),
    "Key": ("Authorization", "Key "),
    "Token": ("Authorization", "Token "),
    "XApiKey": ("x-api-key", ""),
    "XKey": ("x-key", ""),
    "XiApiKey": ("xi-api-key", ""),
    "ZenApiKey": ("Authorization", "ZenApiKey "),
}
"""Where the key goes, by the scheme of the row; else it is a bearer token."""


_KEY_SETTINGS = {
    "ai21": "ai21_key",
    "amazon_nova": "amazon_nova_api_key",
    "anthropic": "anthropic_key",
    "azure": "azure_key",
    "baseten": "baseten_key",
    "bytez": "bytez_key",
    "clarifai": "clarifai_key",
    "cloudflare": "cloudflare_api_key",
    "cohere": "cohere_key",
    "cohere_chat": "cohere_key",
    "cometapi": "cometapi_key",
    "databricks": "databricks_key",
    "datarobot": "datarobot_key",
    "gdc": "gdc_key",
    "gemini": "gemini_key",
    "gigachat": "gigachat_key",
    "gradient_ai": "gradient_ai_api_key",
    "groq": "groq_key",
    "heroku": "heroku_key",
    "huggingface": "huggingface_key",
    "inception": "inception_key",
    "infinity": "infinity_key",
    "lemonade": "lemonade_key",
    "maritalk": "maritalk_key",
    "meta_llama": "llama_api_key",
    "nebius": "nebius_key",
    "nlp_cloud": "nlp_cloud_key",
    "novita": "novita_api_key",
    "ollama": "ollama_key",
    "ollama_chat": "ollama_key",
    "openai": "openai_key",
    "openai_like": "openai_like_key",
    "openrouter": "openrouter_key",
    "ovhcloud": "ovhcloud_key",
    "predibase": "predibase_key",
    "replicate": "replicate_key",
    "sap": "sap_service_key",
    "snowflake": "snowflake_key",
    "together_ai": "togetherai_api_key",
    "vercel_ai_gateway": "vercel_ai_gateway_key",
    "wandb": "wandb_key",
    "xai": "xai_key",
}
"""Settings that hold one provider's key: the table of the core's, `KEYS` in src/python/settings.rs."""


def _facts(provider: str) -> dict[str, Any]:
    from ferrolite import _core

    return _core.provider_facts(provider) or {}


def _environment(names: list[str] | None) -> str | None:
    return next((os.environ[name] for name in names or () if os.environ.get(name)), None)


# Chats, by provider


class OpenAIGPTConfig(BaseConfig, provider="openai"):
    """OpenAI."""


class OpenAIConfig(OpenAIGPTConfig):
    """OpenAI, by the older name."""


class OpenAIGPT5Config(OpenAIGPTConfig):
    """OpenAI's models that reason."""

    @classmethod
    def is_model_gpt_5_model(cls, model: str) -> bool:
        """Whether a model is one of the GPT-5 series."""
        return "gpt-5" in model


openAIGPT5Config = OpenAIGPT5Config()  # noqa: N816 - LiteLLM's name


class AnthropicConfig(BaseConfig, provider="anthropic"):
    """Anthropic."""


class AzureOpenAIConfig(OpenAIGPTConfig, provider="azure"):
    """Azure OpenAI."""


class AzureAIStudioConfig(OpenAIGPTConfig, provider="azure_ai"):
    """Models of Azure AI Foundry."""

    def _should_use_api_key_header(self, api_base: str) -> bool:
        from urllib.parse import urlsplit

        host = urlsplit(api_base).hostname or ""
        return host.endswith((".services.ai.azure.com", ".openai.azure.com"))

    def validate_environment(
        self,
        headers: dict[str, Any],
        model: str,
        messages: list[Any],
        optional_params: dict[str, Any],
        litellm_params: Any,
        api_key: str | None = None,
        api_base: str | None = None,
    ) -> dict[str, Any]:
        """The headers of a request: some hosts take the key in `api-key`, the others as a bearer token."""
        key = self.get_api_key(api_key)
        by_name = bool(api_base and self._should_use_api_key_header(api_base))
        own = {} if not key else {"api-key": key} if by_name else {"Authorization": f"Bearer {key}"}
        return {**headers, **own, "Content-Type": "application/json"}


class AmazonConverseConfig(BaseConfig, provider="bedrock"):
    """Bedrock's Converse."""


class CohereChatConfig(BaseConfig, provider="cohere_chat"):
    """Cohere."""


class DatabricksConfig(OpenAIGPTConfig, provider="databricks"):
    """Databricks."""


class DeepSeekChatConfig(OpenAIGPTConfig, provider="deepseek"):
    """DeepSeek."""


class FireworksAIConfig(OpenAIGPTConfig, provider="fireworks_ai"):
    """Fireworks."""


class GDCGeminiConfig(OpenAIGPTConfig, provider="gdc"):
    """Gemini on Google Distributed Cloud."""


class GoogleAIStudioGeminiConfig(BaseConfig, provider="gemini"):
    """Google AI Studio."""


class VertexGeminiConfig(BaseConfig, provider="vertex_ai"):
    """Gemini on Vertex AI."""


class GroqChatConfig(OpenAIGPTConfig, provider="groq"):
    """Groq."""


class HuggingFaceChatConfig(OpenAIGPTConfig, provider="huggingface"):
    """Hugging Face."""


class MistralConfig(OpenAIGPTConfig, provider="mistral"):
    """Mistral."""


class OllamaConfig(BaseConfig, provider="ollama"):
    """Ollama."""


class OpenrouterConfig(OpenAIGPTConfig, provider="openrouter"):
    """OpenRouter."""


class PerplexityChatConfig(OpenAIGPTConfig, provider="perplexity"):
    """Perplexity."""


class RAGFlowConfig(OpenAIGPTConfig, provider="ragflow"):
    """RAGFlow."""


class TogetherAIConfig(OpenAIGPTConfig, provider="together_ai"):
    """Together AI."""


class XAIChatConfig(OpenAIGPTConfig, provider="xai"):
    """xAI."""


class ProviderConfigManager:
    """The class above that is a provider's, or None."""

    @staticmethod
    def get_provider_chat_config(model: str, provider: Any, base_model: str | None = None) -> Any:
        """Questions about chats with a provider; None where there are none."""
        name = str(getattr(provider, "value", provider))
        if _facts(name).get("wire") is None:
            return None
        return _config_of(name)

    @staticmethod
    def get_provider_model_info(model: str | None, provider: Any) -> Any:
        """Questions about a provider's models; None for an unknown one."""
        name = str(getattr(provider, "value", provider))
        return _config_of(name) if _facts(name) else None

    @staticmethod
    def get_provider_responses_api_config(
        provider: Any, model: str | None = None, api_base: str | None = None
    ) -> Any:
        """Questions about a provider that has OpenAI's Responses of its own; None for the others."""
        name = str(getattr(provider, "value", provider))
        return _config_of(name) if "responses" in _facts(name).get("calls", ()) else None

    @staticmethod
    def get_provider_embedding_config(model: str, provider: Any) -> Any:
        """Questions about a provider that has embeddings; None for the others."""
        name = str(getattr(provider, "value", provider))
        return _config_of(name) if "embedding" in _facts(name).get("calls", ()) else None


def _config_of(name: str) -> BaseConfig:
    def classes(cls: type[BaseConfig]) -> list[type[BaseConfig]]:
        return [cls, *(each for child in cls.__subclasses__() for each in classes(child))]

    for cls in classes(BaseConfig):
        if cls.custom_llm_provider == name and cls.__module__.startswith(("ferrolite.", "litellm.")):
            return cls()
    return _made(name)()


@cache
def _made(name: str) -> type[BaseConfig]:
    """A class for a provider without one above: the questions about keys and addresses are asked of classes."""
    title = name.title().replace("_", "").replace("-", "")
    return type(f"{title}Config", (OpenAIGPTConfig,), {"custom_llm_provider": name, "__module__": __name__})

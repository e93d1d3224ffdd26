"""LiteLLM's module paths: which module has which name, and where the thing itself lives.

Most of LiteLLM's modules are, for their users, places to import a name from. Such a module has no file here: it is a
line of `MODULES`, made when it is first imported, and resolves its names when they are first used. A file goes before a
line: where there is one, the line is not looked at. The same object answers on every path.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

HOMES = {
    "_helpers": "acount_tokens aresponses_with_retries client "
    "close_litellm_async_clients exception_type get_api_base load_credentials_from_list responses_api_bridge_check "
    "responses_with_retries safe_deep_copy",
    "_json_schema": "validate_schema",
    "_model_info": "_get_model_info_helper",
    "_functions": "function_to_dict",
    "_trim": "trim_messages",
    "types.llms.openai": "ResponseFunctionToolCall",
    "types.model_info": "CostPerToken ModelInfo ModelInfoBase",
    "_http": "AsyncHTTPHandler HTTPHandler",
    "_params": "DEFAULT_CHAT_COMPLETION_PARAM_VALUES OPENAI_CHAT_COMPLETION_PARAMS get_optional_params "
    "get_optional_params_embeddings validate_and_fix_thinking_param validate_chat_completion_tool_choice",
    "_secrets": "get_secret get_secret_bool get_secret_str str_to_bool",
    "_stream": "CustomStreamWrapper",
    "_responses": "BaseResponsesAPIStreamingIterator LiteLLMCompletionStreamingIterator ResponsesAPIStreamingIterator "
    "SyncResponsesAPIStreamingIterator",
    "llms.configs": "AmazonConverseConfig AnthropicConfig AzureAIStudioConfig AzureOpenAIConfig BaseConfig CohereChatConfig "
    "DatabricksConfig DeepSeekChatConfig FireworksAIConfig GDCGeminiConfig GoogleAIStudioGeminiConfig GroqChatConfig "
    "HuggingFaceChatConfig MistralConfig OllamaConfig OpenAIConfig OpenAIGPT5Config OpenAIGPTConfig OpenrouterConfig "
    "PerplexityChatConfig ProviderConfigManager RAGFlowConfig TogetherAIConfig VertexGeminiConfig XAIChatConfig "
    "openAIGPT5Config",
    "llms.handlers": "AmazonBedrockGlobalConfig AnthropicModelInfo AzureChatCompletion AzureTextCompletion BaseAzureLLM "
    "BaseOpenAILLM BedrockMantleAuthMixin BedrockModelInfo ChatGPTResponsesAPIConfig DatabricksBase JSONProviderRegistry "
    "MANTLE_HOST_RE OpenAIChatCompletion OpenAITextCompletion VertexBase _get_gemini_url get_azure_ad_token "
    "get_azure_ad_token_from_oidc",
    "types.requests": "AllMessageValues AnthropicThinkingParam ChatCompletionAnnotation ChatCompletionAnnotationURLCitation "
    "ChatCompletionAssistantMessage ChatCompletionAssistantToolCall ChatCompletionAudioObject ChatCompletionAudioParam "
    "ChatCompletionCachedContent ChatCompletionDeveloperMessage ChatCompletionDocumentObject ChatCompletionFileObject "
    "ChatCompletionFileObjectFile ChatCompletionFunctionMessage ChatCompletionImageObject ChatCompletionImageUrlObject "
    "ChatCompletionInputAudio ChatCompletionModality ChatCompletionNamedToolChoiceParam "
    "ChatCompletionPredictionContentParam ChatCompletionRedactedThinkingBlock ChatCompletionSystemMessage "
    "ChatCompletionTextObject ChatCompletionThinkingBlock ChatCompletionToolCallChunk "
    "ChatCompletionToolCallFunctionChunk ChatCompletionToolChoiceFunctionParam ChatCompletionToolChoiceObjectParam "
    "ChatCompletionToolChoiceValues ChatCompletionToolMessage ChatCompletionToolParam "
    "ChatCompletionToolParamFunctionChunk ChatCompletionUsageBlock ChatCompletionUserMessage ChatCompletionVideoObject "
    "ChatCompletionVideoUrlObject GenericLiteLLMParams OpenAIChatCompletionAssistantMessage "
    "OpenAIMessageContent OpenAIWebSearchOptions OpenAIWebSearchUserLocation PartType REASONING_EFFORT ResponseInputParam "
    "ToolChoice ToolParam OutputFunctionToolCall",
    "types.providers": "LlmProviders openai_compatible_endpoints openai_compatible_providers "
    "openai_text_completion_compatible_providers provider_list",
}
"""Names by the module that they live in; those in `ferrolite._HOMES`, and all classes of answers, beside them."""

_OPENAI_TYPES = HOMES["types.requests"]

MODULES = {
    "assistants.main": "ModelResponse",
    "batch_completion.main": "batch_completion batch_completion_models batch_completion_models_all_responses",
    "batches.main": "acancel_batch acreate_batch alist_batches aretrieve_batch cancel_batch create_batch list_batches "
    "retrieve_batch",
    "caching.caching": "Cache",
    "completion_extras.litellm_responses_transformation.transformation": "",
    "files.main": "acreate_file afile_content afile_delete afile_list afile_retrieve create_file file_content file_delete "
    "file_list file_retrieve",
    "fine_tuning.main": "acancel_fine_tuning_job acreate_fine_tuning_job alist_fine_tuning_jobs "
    "aretrieve_fine_tuning_job cancel_fine_tuning_job create_fine_tuning_job list_fine_tuning_jobs "
    "retrieve_fine_tuning_job",
    "google_genai.main": "agenerate_content=google_genai: agenerate_content_stream=google_genai: "
    "generate_content=google_genai: generate_content_stream=google_genai:",
    "images.main": "aimage_edit aimage_generation aimage_variation image_edit image_generation image_variation",
    "litellm_core_utils.core_helpers": "map_finish_reason safe_deep_copy "
    "_FINISH_REASON_MAP=types.finish_reason:FINISH_REASONS",
    "litellm_core_utils.exception_mapping_utils": "exception_type",
    "litellm_core_utils.get_llm_provider_logic": "get_llm_provider",
    "litellm_core_utils.get_model_cost_map": "get_model_cost_map",
    "litellm_core_utils.get_supported_openai_params": "get_supported_openai_params",
    "litellm_core_utils.json_validation_rule": "validate_schema",
    "litellm_core_utils.prompt_templates.factory": "",
    "litellm_core_utils.streaming_chunk_builder_utils": "",
    "litellm_core_utils.streaming_handler": "CustomStreamWrapper Delta ModelResponseStream StreamingChoices Usage",
    "litellm_core_utils.token_counter": "token_counter",
    "llms.anthropic.chat.transformation": "AnthropicConfig",
    "llms.anthropic.common_utils": "AnthropicModelInfo",
    "llms.azure.azure": "AzureChatCompletion AzureOpenAIError get_azure_ad_token_from_oidc",
    "llms.azure.chat.gpt_transformation": "AzureOpenAIConfig",
    "llms.azure.common_utils": "AzureOpenAIError BaseAzureLLM get_azure_ad_token get_azure_ad_token_from_oidc",
    "llms.azure.completion.handler": "AzureTextCompletion",
    "llms.azure_ai.chat.transformation": "AzureAIStudioConfig",
    "llms.bedrock.chat.converse_transformation": "AmazonConverseConfig",
    "llms.bedrock.common_utils": "AmazonBedrockGlobalConfig BedrockModelInfo",
    "llms.bedrock_mantle.common_utils": "BedrockMantleAuthMixin MANTLE_HOST_RE",
    "llms.chatgpt.authenticator": "",
    "llms.chatgpt.chat.streaming_utils": "",
    "llms.chatgpt.responses.transformation": "ChatGPTResponsesAPIConfig",
    "llms.custom_httpx.http_handler": "AsyncHTTPHandler HTTPHandler",
    "llms.databricks.chat.transformation": "DatabricksConfig",
    "llms.databricks.common_utils": "DatabricksBase",
    "llms.deepseek.chat.transformation": "DeepSeekChatConfig",
    "llms.fireworks_ai.chat.transformation": "FireworksAIConfig",
    "llms.fireworks_ai.cost_calculator": "cost_per_token=cost_calculator:fireworks_ai_cost_per_token",
    "llms.gdc.chat.transformation": "GDCGeminiConfig",
    "llms.gemini.chat.transformation": "GoogleAIStudioGeminiConfig",
    "llms.groq.chat.transformation": "GroqChatConfig",
    "llms.mistral.chat.transformation": "MistralConfig",
    "llms.ollama.completion.transformation": "OllamaConfig",
    "llms.openai.chat.gpt_5_transformation": "OpenAIGPT5Config",
    "llms.openai.chat.gpt_transformation": "OpenAIGPTConfig",
    "llms.openai.common_utils": "BaseOpenAILLM OpenAIError",
    "llms.openai.completion.handler": "OpenAITextCompletion",
    "llms.openai.openai": "OpenAIChatCompletion OpenAIConfig",
    "llms.openai_like.json_loader": "JSONProviderRegistry",
    "llms.openrouter.chat.transformation": "OpenrouterConfig",
    "llms.perplexity.chat.transformation": "PerplexityChatConfig",
    "llms.ragflow.chat.transformation": "RAGFlowConfig",
    "llms.vertex_ai.common_utils": "_get_gemini_url",
    "llms.vertex_ai.gemini.transformation": "",
    "llms.vertex_ai.gemini.vertex_and_google_ai_studio_gemini": "VertexGeminiConfig",
    "llms.vertex_ai.vertex_ai_aws_wif": "",
    "llms.vertex_ai.vertex_llm_base": "VertexBase",
    "llms.xai.chat.transformation": "XAIChatConfig",
    "main": "* responses_api_bridge_check",
    "rerank_api.main": "arerank rerank",
    "responses": "",
    "responses.main": "acancel_responses adelete_responses aget_responses alist_input_items aresponses cancel_responses "
    "delete_responses get_responses list_input_items responses",
    "responses.streaming_iterator": HOMES["_responses"],
    "router": "Router",
    "secret_managers.main": "get_secret get_secret_bool get_secret_str str_to_bool",
    "types.caching": "",
    "types.completion": "ChatCompletionMessageToolCall",
    "types.llms.anthropic": "AnthropicThinkingParam",
    "types.llms.openai": _OPENAI_TYPES + " AzureOpenAIError",
    "types.llms.vertex_ai": "PartType",
    "types.rerank": "RerankResponse",
    "types.responses.main": "DeleteResponseResult=types.llms.openai: GenericResponseOutputItem=types.llms.openai: "
    "OutputFunctionToolCall",
    "types.router": "AllowedFailsPolicy Deployment DeploymentTypedDict GenericLiteLLMParams LiteLLM_Params ModelInfo "
    "RetryPolicy RouterRateLimitError",
    "types.utils": "CallTypes ChatCompletionToolCallChunk=types.requests: CostPerToken LlmProviders LiteLLMBatch "
    "LiteLLMFineTuningJob ModelInfo",
    "utils": "* AsyncHTTPHandler HTTPHandler load_credentials_from_list validate_and_fix_thinking_param "
    "_get_model_info_helper",
}
"""LiteLLM's modules and their names, without the package's own. "*" is every public name that has a home; `name=home:` is
one that lives elsewhere than `HOMES` says, `name=home:other` one that is called otherwise there (`:other` at the top)."""


def _packages() -> set[str]:
    parents: set[str] = set()
    for path in MODULES:
        while "." in path:
            path = path.rpartition(".")[0]
            parents.add(path)
    return parents


PACKAGES = _packages()
_HOME = {name: home for home, names in HOMES.items() for name in names.split()}


def _module(name: str) -> Any:
    __import__(name)  # not by importlib, which would have to be loaded for it
    return sys.modules[name]


def home(name: str) -> str | None:
    """The module that a public name lives in, without the package's own name before it."""
    top: Any = sys.modules["ferrolite"]
    found = top._HOME.get(name) or _HOME.get(name)
    if found is None and name[:1].isalpha():
        from ferrolite import exceptions
        from ferrolite.types import utils

        for path, module in (("exceptions", exceptions), ("types.utils", utils)):
            if name in module.__all__:
                return path
    return found


def resolve(module: str, name: str) -> Any:
    """What a module of this package has under a name, by the tables above.

    Args:
        module: Its full name; the package's own for the top.

    Raises:
        AttributeError: It has no such name; the message tells the nearest that it has.
    """
    if name.startswith("__"):
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    path = module.partition(".")[2]
    inner = f"{path}.{name}" if path else name
    if (inner in MODULES or inner in PACKAGES) and (path or name not in FUNCTIONS):
        return _module(f"ferrolite.{inner}")
    place, own = None, name
    names = MODULES.get(path, "").split()
    for entry in names:
        known, is_moved, target = entry.partition("=")
        if known == name:
            place, _, other = target.partition(":")
            own = other or name
            if not is_moved:
                place = home(name)
            break
    else:
        if not path or "*" in names:
            place = home(name)
    if place is None:
        if hasattr(sys.modules[module], "__path__"):
            try:
                return _module(f"ferrolite.{inner}")
            except ModuleNotFoundError as error:
                if error.name != f"ferrolite.{inner}":
                    raise
        raise missing(module, name)
    found = getattr(_module(f"ferrolite.{place}" if place else "ferrolite"), own)
    return _labelled(found)


def names_of(module: str) -> list[str]:
    """The names that a module has by the tables."""
    path = module.partition(".")[2]
    names = {entry.partition("=")[0] for entry in MODULES.get(path, "").split()}
    if "*" in names:
        top: Any = sys.modules["ferrolite"]
        names = names - {"*"} | {*top._HOME, *_HOME}
    prefix = f"{path}." if path else ""
    inner = {one[len(prefix) :].partition(".")[0] for one in {*MODULES, *PACKAGES} if one.startswith(prefix)}
    return sorted(names | inner)


def missing(module: str, name: str) -> AttributeError:
    """The error for a name that is not there, with the nearest one that is."""
    from difflib import get_close_matches

    it: Any = sys.modules.get(module)
    known = names_of(module) if it is None else [*dir(it), *names_of(module)]
    near = get_close_matches(name, [one for one in known if one[:1] != "_"], 1, 0.75)
    shown = module
    if it is not None and sys.modules.get("litellm" + module[len("ferrolite") :]) is it:
        shown = "litellm" + module[len("ferrolite") :]
    hint = f". Did you mean: {near[0]!r}?" if near else ""
    # Not `name=` and `obj=`: Python would look for a nearest name by itself, and resolve all of them.
    return AttributeError(f"module {shown!r} has no attribute {name!r}{hint}")


# Modules without a file

FUNCTIONS = frozenset(("batch_completion", "responses"))
"""Modules whose name at the top is a function's."""


class _Loader:
    """Makes a module of a line of the table."""

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType | None:
        return None

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        name = module.__name__
        module.__doc__ = f"LiteLLM's module of this name: where its users import from. See `{__name__}`."
        module.__getattr__ = lambda attribute: _kept(module, attribute)  # type: ignore[method-assign]
        module.__dir__ = lambda: sorted({*vars(module), *names_of(name)})  # type: ignore[method-assign]


def _kept(module: ModuleType, name: str) -> Any:
    value = resolve(module.__name__, name)
    setattr(module, name, value)
    return value


def spec(name: str) -> ModuleSpec | None:
    """The spec of a module of the table, by its full name; None for others."""
    path = name.partition(".")[2]
    if path not in MODULES and path not in PACKAGES:
        return None
    own: Any = __spec__
    return type(own)(name, _Loader(), is_package=path in PACKAGES)


# What classes say of their module

label_prefix = "ferrolite"
"""What the names of modules begin with that public classes tell; "litellm" under the switch."""
_labels: dict[Any, str] = {}
_PUBLIC = {
    "ferrolite._responses": "ferrolite.responses.streaming_iterator",
    "ferrolite._stream": "ferrolite.litellm_core_utils.streaming_handler",
    "ferrolite._text": "ferrolite.utils",
    "ferrolite._http": "ferrolite.llms.custom_httpx.http_handler",
    "ferrolite.types.requests": "ferrolite.types.llms.openai",
    "ferrolite.types.providers": "ferrolite.types.utils",
}


def _labelled(value: Any) -> Any:
    if label_prefix != "ferrolite" and isinstance(value, type):
        _label(value)
    return value


def _label(it: Any) -> None:
    module: str = it.__module__
    if module.partition(".")[0] == "ferrolite":
        _labels[it] = module
        public = _PUBLIC.get(module, module)
        it.__module__ = label_prefix + public.removeprefix("ferrolite")


def _classes() -> Iterator[type]:
    """The classes of what the core makes by itself: answers, streams and errors."""
    for path in ("exceptions", "types.utils", "types.llms.openai", "_stream", "_responses", "_text"):
        module: Any = _module(f"ferrolite.{path}")
        for value in list(module.__dict__.values()):
            if isinstance(value, type):
                yield value


def label(prefix: str) -> None:
    """Let public classes, and the messages of errors, name modules of "litellm", or of "ferrolite" again."""
    global label_prefix
    before, label_prefix = label_prefix, prefix
    for it, module in _labels.items():
        it.__module__ = module
    _labels.clear()
    for cls in _classes():
        said: Any = vars(cls).get("_prefix")
        if isinstance(said, str):
            cls._prefix = said.replace(f"{before}.", f"{prefix}.")  # type: ignore[attr-defined]
        if prefix != "ferrolite":
            _label(cls)
    if prefix != "ferrolite":
        from ferrolite.types import _base, _error

        # Pickles name these functions, and some programs (dspy) only read what is in `litellm.types`.
        _label(_base.blank)
        _label(_error.revive)

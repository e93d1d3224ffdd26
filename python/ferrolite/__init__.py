"""Call any language model in OpenAI's format.

>>> from ferrolite import completion
>>> response = completion(model="openai/gpt-4o", messages=[{"role": "user", "content": "Hello"}])
>>> print(response.choices[0].message.content)

Importing this package reads no file but its own modules, opens no connection and loads no other package. Names
are resolved when they are first used; settings are attributes of this module (`ferrolite.drop_params = True`),
read at the time of each call.
"""

from __future__ import annotations

from ferrolite._settings import *  # noqa: F403 - the settings are this module's own attributes

TYPE_CHECKING = False  # pyright: ignore[reportConstantRedefinition]
if TYPE_CHECKING:
    from typing import Any

    from ferrolite import anthropic_interface as anthropic_interface
    from ferrolite import caching as caching
    from ferrolite import google_genai as google_genai
    from ferrolite._batch import batch_completion as batch_completion
    from ferrolite._batch import batch_completion_models as batch_completion_models
    from ferrolite._batch import (
        batch_completion_models_all_responses as batch_completion_models_all_responses,
    )
    from ferrolite._call import acompletion as acompletion
    from ferrolite._call import completion as completion
    from ferrolite._call import stream_chunk_builder as stream_chunk_builder
    from ferrolite._calls import aembedding as aembedding
    from ferrolite._calls import aimage_edit as aimage_edit
    from ferrolite._calls import aimage_generation as aimage_generation
    from ferrolite._calls import aimage_variation as aimage_variation
    from ferrolite._calls import amoderation as amoderation
    from ferrolite._calls import arerank as arerank
    from ferrolite._calls import aspeech as aspeech
    from ferrolite._calls import atranscription as atranscription
    from ferrolite._calls import embedding as embedding
    from ferrolite._calls import image_edit as image_edit
    from ferrolite._calls import image_generation as image_generation
    from ferrolite._calls import image_variation as image_variation
    from ferrolite._calls import moderation as moderation
    from ferrolite._calls import rerank as rerank
    from ferrolite._calls import speech as speech
    from ferrolite._calls import transcription as transcription
    from ferrolite._health import ahealth_check as ahealth_check
    from ferrolite._model_cost import get_model_cost_map as get_model_cost_map
    from ferrolite._model_info import get_max_tokens as get_max_tokens
    from ferrolite._model_info import get_model_info as get_model_info
    from ferrolite._model_info import register_model as register_model
    from ferrolite._models import check_valid_key as check_valid_key
    from ferrolite._models import get_supported_openai_params as get_supported_openai_params
    from ferrolite._models import get_valid_models as get_valid_models
    from ferrolite._models import supports_audio_input as supports_audio_input
    from ferrolite._models import supports_audio_output as supports_audio_output
    from ferrolite._models import supports_function_calling as supports_function_calling
    from ferrolite._models import supports_httpx_timeout as supports_httpx_timeout
    from ferrolite._models import supports_parallel_function_calling as supports_parallel_function_calling
    from ferrolite._models import supports_pdf_input as supports_pdf_input
    from ferrolite._models import supports_reasoning as supports_reasoning
    from ferrolite._models import supports_response_schema as supports_response_schema
    from ferrolite._models import supports_system_messages as supports_system_messages
    from ferrolite._models import supports_tool_search as supports_tool_search
    from ferrolite._models import supports_url_context as supports_url_context
    from ferrolite._models import supports_video_input as supports_video_input
    from ferrolite._models import supports_vision as supports_vision
    from ferrolite._models import supports_web_search as supports_web_search
    from ferrolite._models import validate_environment as validate_environment
    from ferrolite._prompts import register_prompt_template as register_prompt_template
    from ferrolite._providers import get_llm_provider as get_llm_provider
    from ferrolite._providers import register_provider as register_provider
    from ferrolite._responses import acancel_responses as acancel_responses
    from ferrolite._responses import adelete_responses as adelete_responses
    from ferrolite._responses import aget_responses as aget_responses
    from ferrolite._responses import alist_input_items as alist_input_items
    from ferrolite._responses import aresponses as aresponses
    from ferrolite._responses import cancel_responses as cancel_responses
    from ferrolite._responses import delete_responses as delete_responses
    from ferrolite._responses import get_responses as get_responses
    from ferrolite._responses import list_input_items as list_input_items
    from ferrolite._responses import responses as responses
    from ferrolite._retries import acompletion_with_retries as acompletion_with_retries
    from ferrolite._retries import acreate as acreate
    from ferrolite._retries import completion_with_retries as completion_with_retries
    from ferrolite._stream import CustomStreamWrapper as CustomStreamWrapper
    from ferrolite._text import TextCompletionStreamWrapper as TextCompletionStreamWrapper
    from ferrolite._text import atext_completion as atext_completion
    from ferrolite._text import text_completion as text_completion
    from ferrolite._tokens import create_pretrained_tokenizer as create_pretrained_tokenizer
    from ferrolite._tokens import create_tokenizer as create_tokenizer
    from ferrolite._tokens import decode as decode
    from ferrolite._tokens import encode as encode
    from ferrolite._tokens import encoding as encoding
    from ferrolite._tokens import token_counter as token_counter
    from ferrolite.anthropic_interface.messages import anthropic_messages as anthropic_messages
    from ferrolite.batches.main import acancel_batch as acancel_batch
    from ferrolite.batches.main import acreate_batch as acreate_batch
    from ferrolite.batches.main import alist_batches as alist_batches
    from ferrolite.batches.main import aretrieve_batch as aretrieve_batch
    from ferrolite.batches.main import cancel_batch as cancel_batch
    from ferrolite.batches.main import create_batch as create_batch
    from ferrolite.batches.main import list_batches as list_batches
    from ferrolite.batches.main import retrieve_batch as retrieve_batch
    from ferrolite.budget_manager import BudgetManager as BudgetManager
    from ferrolite.caching import DualCache as DualCache
    from ferrolite.caching import InMemoryCache as InMemoryCache
    from ferrolite.caching import RedisCache as RedisCache
    from ferrolite.caching.caching import Cache as Cache
    from ferrolite.caching.caching import disable_cache as disable_cache
    from ferrolite.caching.caching import enable_cache as enable_cache
    from ferrolite.caching.caching import update_cache as update_cache
    from ferrolite.cost_calculator import batch_cost_calculator as batch_cost_calculator
    from ferrolite.cost_calculator import completion_cost as completion_cost
    from ferrolite.cost_calculator import cost_per_token as cost_per_token
    from ferrolite.cost_calculator import response_cost_calculator as response_cost_calculator
    from ferrolite.dropin import install_as_litellm as install_as_litellm
    from ferrolite.dropin import uninstall_as_litellm as uninstall_as_litellm
    from ferrolite.exceptions import *  # noqa: F403
    from ferrolite.files.main import acreate_file as acreate_file
    from ferrolite.files.main import afile_content as afile_content
    from ferrolite.files.main import afile_delete as afile_delete
    from ferrolite.files.main import afile_list as afile_list
    from ferrolite.files.main import afile_retrieve as afile_retrieve
    from ferrolite.files.main import create_file as create_file
    from ferrolite.files.main import file_content as file_content
    from ferrolite.files.main import file_delete as file_delete
    from ferrolite.files.main import file_list as file_list
    from ferrolite.files.main import file_retrieve as file_retrieve
    from ferrolite.fine_tuning.main import acancel_fine_tuning_job as acancel_fine_tuning_job
    from ferrolite.fine_tuning.main import acreate_fine_tuning_job as acreate_fine_tuning_job
    from ferrolite.fine_tuning.main import alist_fine_tuning_jobs as alist_fine_tuning_jobs
    from ferrolite.fine_tuning.main import aretrieve_fine_tuning_job as aretrieve_fine_tuning_job
    from ferrolite.fine_tuning.main import cancel_fine_tuning_job as cancel_fine_tuning_job
    from ferrolite.fine_tuning.main import create_fine_tuning_job as create_fine_tuning_job
    from ferrolite.fine_tuning.main import list_fine_tuning_jobs as list_fine_tuning_jobs
    from ferrolite.fine_tuning.main import retrieve_fine_tuning_job as retrieve_fine_tuning_job
    from ferrolite.google_genai import agenerate_content as agenerate_content
    from ferrolite.integrations.custom_logger import CustomLogger as CustomLogger
    from ferrolite.llms.custom_llm import CustomLLM as CustomLLM
    from ferrolite.router import Router as Router
    from ferrolite.types.llms.openai import ResponsesAPIResponse as ResponsesAPIResponse
    from ferrolite.types.router import AllowedFailsPolicy as AllowedFailsPolicy
    from ferrolite.types.router import DeploymentTypedDict as DeploymentTypedDict
    from ferrolite.types.router import RetryPolicy as RetryPolicy
    from ferrolite.types.utils import *  # noqa: F403

    anthropic = anthropic_interface
    messages = anthropic_interface.messages
    model_cost: dict[str, Any]
    model_list: list[str]
    models_by_provider: dict[str, set[str]]

_HOMES = {
    "_batch": ("batch_completion", "batch_completion_models", "batch_completion_models_all_responses"),
    "_call": ("acompletion", "completion", "mock_completion", "stream_chunk_builder"),
    "_calls": (
        "aembedding",
        "aimage_edit",
        "aimage_generation",
        "aimage_variation",
        "amoderation",
        "arerank",
        "aspeech",
        "atranscription",
        "embedding",
        "image_edit",
        "image_generation",
        "image_variation",
        "moderation",
        "rerank",
        "speech",
        "transcription",
    ),
    "_health": ("ahealth_check",),
    "dropin": ("install_as_litellm", "uninstall_as_litellm"),
    "_logging": ("print_verbose", "turn_on_debug", "turn_on_json", "verbose_logger", "_turn_on_debug"),
    "_model_cost": ("get_model_cost_map", "model_cost"),
    "_model_info": ("get_max_tokens", "get_model_info", "model_list", "models_by_provider", "register_model"),
    "_models": (
        "check_valid_key",
        "get_supported_openai_params",
        "get_valid_models",
        "supports_audio_input",
        "supports_audio_output",
        "supports_function_calling",
        "supports_httpx_timeout",
        "supports_parallel_function_calling",
        "supports_pdf_input",
        "supports_reasoning",
        "supports_response_schema",
        "supports_system_messages",
        "supports_tool_search",
        "supports_url_context",
        "supports_video_input",
        "supports_vision",
        "supports_web_search",
        "validate_environment",
    ),
    "_prompts": ("register_prompt_template",),
    "_providers": ("get_llm_provider", "register_provider"),
    "_responses": (
        "acancel_responses",
        "adelete_responses",
        "aget_responses",
        "alist_input_items",
        "aresponses",
        "cancel_responses",
        "delete_responses",
        "get_responses",
        "list_input_items",
        "responses",
    ),
    "_retries": ("acompletion_with_retries", "acreate", "completion_with_retries"),
    "_stream": ("CustomStreamWrapper",),
    "_text": ("TextCompletionStreamWrapper", "atext_completion", "text_completion"),
    "_tokens": (
        "create_pretrained_tokenizer",
        "create_tokenizer",
        "decode",
        "encode",
        "encoding",
        "token_counter",
    ),
    "anthropic_interface.messages": ("anthropic_messages",),
    "batches.main": (
        "acancel_batch",
        "acreate_batch",
        "alist_batches",
        "aretrieve_batch",
        "cancel_batch",
        "create_batch",
        "list_batches",
        "retrieve_batch",
    ),
    "files.main": (
        "acreate_file",
        "afile_content",
        "afile_delete",
        "afile_list",
        "afile_retrieve",
        "create_file",
        "file_content",
        "file_delete",
        "file_list",
        "file_retrieve",
    ),
    "fine_tuning.main": (
        "acancel_fine_tuning_job",
        "acreate_fine_tuning_job",
        "alist_fine_tuning_jobs",
        "aretrieve_fine_tuning_job",
        "cancel_fine_tuning_job",
        "create_fine_tuning_job",
        "list_fine_tuning_jobs",
        "retrieve_fine_tuning_job",
    ),
    "caching": ("DualCache", "InMemoryCache", "RedisCache"),
    "caching.caching": ("Cache", "disable_cache", "enable_cache", "update_cache"),
    "budget_manager": ("BudgetManager",),
    "cost_calculator": (
        "batch_cost_calculator",
        "completion_cost",
        "cost_per_token",
        "response_cost_calculator",
    ),
    "google_genai": ("agenerate_content",),
    "integrations.custom_logger": ("CustomLogger",),
    "router": ("Router",),
    "llms.custom_llm": ("CustomLLM",),
    "types.llms.openai": ("ResponsesAPIResponse",),
    "types.router": ("AllowedFailsPolicy", "DeploymentTypedDict", "RetryPolicy"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
_SUBMODULES = {
    name: name
    for name in (
        "_logging",
        "anthropic_interface",
        "batches",
        "caching",
        "budget_manager",
        "cost_calculator",
        "exceptions",
        "files",
        "fine_tuning",
        "google_genai",
        "integrations",
        "litellm_core_utils",
        "llms",
        "router",
        "testing",
        "types",
        "utils",
    )
} | {"anthropic": "anthropic_interface", "messages": "anthropic_interface.messages"}
_LISTED_ERRORS = frozenset(
    [
        "APIConnectionError",
        "APIError",
        "APIResponseValidationError",
        "AuthenticationError",
        "AzureOpenAIError",
        "BadGatewayError",
        "BadRequestError",
        "BudgetExceededError",
        "ContentPolicyViolationError",
        "ContextWindowExceededError",
        "ImageFetchError",
        "InternalServerError",
        "InvalidRequestError",
        "JSONSchemaValidationError",
        "NotFoundError",
        "OpenAIError",
        "RateLimitError",
        "RouterRateLimitError",
        "ServiceUnavailableError",
        "UnprocessableEntityError",
        "UnsupportedParamsError",
    ]
)
_NOT_AT_TOP = (
    "CallTypes",
    "ChatCompletionDeltaToolCall",
    "Delta",
    "Embedding",
    "FunctionCall",
    "Logprobs",
    "ServerToolUse",
)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _SUBMODULES:
        return import_module(f"ferrolite.{_SUBMODULES[name]}")
    if name[:1] == "_" and name not in _HOME:  # most are modules of ours that are being imported
        from sys import modules

        shown = "litellm" if modules.get("litellm") is modules[__name__] else __name__
        raise AttributeError(f"module {shown!r} has no attribute {name!r}")
    if name[:1] != "_" and name.endswith("_models") and name not in _HOME:
        from ferrolite import _model_info

        found = globals()[name] = getattr(_model_info, name)  # what a program adds to a set stays there
        return found
    surface: Any = import_module("ferrolite._surface")
    if name in _NOT_AT_TOP:
        raise surface.missing(__name__, name)
    value = surface.resolve(__name__, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from ferrolite import _surface, exceptions
    from ferrolite.types import utils

    names = {*globals(), *_HOME, *_surface.names_of(__name__), *exceptions.__all__, *utils.__all__}
    # Programs that walk the names of errors (aider) know these; newer ones are there, but not listed.
    return sorted(
        name for name in names.difference(_NOT_AT_TOP) if not name.endswith("Error") or name in _LISTED_ERRORS
    )


class _Modules:
    """Finds the modules that have no file: LiteLLM's paths, by the table in `_surface`."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        if name[:10] != "ferrolite.":
            return None
        from ferrolite import _surface

        return _surface.spec(name)


def _with_paths() -> None:
    import sys

    sys.meta_path.append(_Modules)
    # Imported in the usual way, these modules would take the place of the functions of their names.
    for name in ("ferrolite.batch_completion", "ferrolite.responses"):
        module: Any = type(sys)(name)
        module.__spec__ = type(__spec__)(name, None, is_package=True)
        module.__path__ = []
        sys.modules[name] = module


_with_paths()

"""A call in the words of OpenTelemetry's conventions for generative AI, and of OpenInference. No package needed."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What is read here is other people's: plain data of any shape.

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OPERATIONS = {
    "anthropic_messages": "chat",
    "completion": "chat",
    "embedding": "embeddings",
    "generate_content": "generate_content",
    "generate_content_stream": "generate_content",
    "image_generation": "image_generation",
    "responses": "chat",
    "text_completion": "text_completion",
}
_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
_PARAMETERS = {
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "max_tokens": "gen_ai.request.max_tokens",
    "n": "gen_ai.request.choice.count",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
    "temperature": "gen_ai.request.temperature",
    "top_k": "gen_ai.request.top_k",
    "top_p": "gen_ai.request.top_p",
}


def operation(call_type: str) -> str:
    """The conventions' name of a kind of call; ours where they have none."""
    name = call_type if call_type in _OPERATIONS else call_type.removeprefix("a")
    return _OPERATIONS.get(name, name)


def provider(name: str) -> str:
    """The conventions' name of a provider."""
    return _PROVIDERS.get(name, name)


def attributes(kwargs: dict[str, Any], with_texts: bool) -> dict[str, Any]:
    """The attributes of a call's span.

    Args:
        kwargs: What callbacks are told; its `standard_logging_object` is read.
        with_texts: Put the texts of question and answer in.
    """
    told: dict[str, Any] = kwargs.get("standard_logging_object") or {}
    response: dict[str, Any] = told.get("response") or {}
    made: dict[str, Any] = {
        "gen_ai.operation.name": operation(told.get("call_type") or ""),
        "gen_ai.provider.name": provider(told.get("custom_llm_provider") or ""),
        "gen_ai.system": provider(told.get("custom_llm_provider") or ""),
        "gen_ai.request.model": told.get("model") or "",
        "gen_ai.response.id": response.get("id"),
        "gen_ai.response.model": response.get("model"),
        "gen_ai.usage.input_tokens": told.get("prompt_tokens"),
        "gen_ai.usage.output_tokens": told.get("completion_tokens"),
        "gen_ai.usage.total_tokens": told.get("total_tokens"),
        "gen_ai.cost.total_cost": told.get("response_cost"),
        "server.address": _host(told.get("api_base")),
        "litellm.call_id": told.get("litellm_call_id"),
    }
    details = (response.get("usage") or {}).get("prompt_tokens_details") or {}
    if isinstance(details, dict) and details.get("cached_tokens"):
        made["gen_ai.usage.cache_read.input_tokens"] = details["cached_tokens"]
    for name, value in (told.get("model_parameters") or {}).items():
        if name in _PARAMETERS:
            made[_PARAMETERS[name]] = value
        elif name == "stop":
            made["gen_ai.request.stop_sequences"] = [value] if isinstance(value, str) else value
    finishes = [choice.get("finish_reason") for choice in _choices(response)]
    if finishes:
        made["gen_ai.response.finish_reasons"] = [str(reason) for reason in finishes]
    if error := (told.get("error_information") or {}).get("error_class"):
        made["error.type"] = error
    if told.get("end_user"):
        made["enduser.id"] = told["end_user"]
    if with_texts:
        made["gen_ai.input.messages"] = _json([_message(one) for one in as_list(told.get("messages"))])
        if output := _output(response):
            made["gen_ai.output.messages"] = _json(output)
    return {name: value for name, value in made.items() if value is not None}


def openinference(kwargs: dict[str, Any], with_texts: bool) -> dict[str, Any]:
    """The same in OpenInference's words, which Arize and Phoenix read."""
    told: dict[str, Any] = kwargs.get("standard_logging_object") or {}
    response: dict[str, Any] = told.get("response") or {}
    kind = "EMBEDDING" if operation(told.get("call_type") or "") == "embeddings" else "LLM"
    made: dict[str, Any] = {
        "openinference.span.kind": kind,
        "llm.model_name": told.get("model") or "",
        "llm.provider": told.get("custom_llm_provider") or "",
        "llm.invocation_parameters": _json(told.get("model_parameters") or {}),
        "llm.token_count.prompt": told.get("prompt_tokens"),
        "llm.token_count.completion": told.get("completion_tokens"),
        "llm.token_count.total": told.get("total_tokens"),
    }
    if with_texts:
        for at, message in enumerate(as_list(told.get("messages"))):
            if isinstance(message, dict):
                made[f"llm.input_messages.{at}.message.role"] = message.get("role")
                made[f"llm.input_messages.{at}.message.content"] = _text(message.get("content"))
        for at, choice in enumerate(_choices(response)):
            message = choice.get("message") or {}
            made[f"llm.output_messages.{at}.message.role"] = message.get("role") or "assistant"
            made[f"llm.output_messages.{at}.message.content"] = message.get("content") or choice.get("text")
        made["input.value"] = _json(told.get("messages"))
        made["output.value"] = _json(response)
    return {name: value for name, value in made.items() if value is not None}


def langfuse(kwargs: dict[str, Any], with_texts: bool) -> dict[str, Any]:
    """What Langfuse reads beside the conventions: the trace that `metadata` names, question and answer."""
    told: dict[str, Any] = kwargs.get("standard_logging_object") or {}
    metadata: dict[str, Any] = (kwargs.get("litellm_params") or {}).get("metadata") or {}
    made: dict[str, Any] = {
        "langfuse.observation.type": "generation",
        "langfuse.trace.name": metadata.get("trace_name"),
        "langfuse.observation.name": metadata.get("generation_name"),
        "langfuse.user.id": metadata.get("trace_user_id") or kwargs.get("user"),
        "langfuse.session.id": metadata.get("session_id"),
        "langfuse.trace.tags": told.get("request_tags") or None,
        "langfuse.version": metadata.get("version"),
        "langfuse.release": metadata.get("trace_release"),
    }
    if with_texts:
        made["langfuse.observation.input"] = _json(told.get("messages"))
        made["langfuse.observation.output"] = _json(told.get("response"))
    return {name: value for name, value in made.items() if value is not None}


def as_list(value: Any) -> list[Any]:
    """A value as a list; nothing as an empty one."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _choices(response: dict[str, Any]) -> list[dict[str, Any]]:
    return [choice for choice in response.get("choices") or () if isinstance(choice, dict)]


def _message(message: Any) -> dict[str, Any]:
    if not isinstance(message, dict):
        message = message.model_dump() if hasattr(message, "model_dump") else {"content": message}
    fields: dict[str, Any] = message
    parts: list[dict[str, Any]] = []
    if text := _text(fields.get("content")):
        kind = "tool_call_response" if fields.get("role") == "tool" else "text"
        parts.append({"type": kind, ("response" if kind != "text" else "content"): text})
    for call in fields.get("tool_calls") or ():
        function = call.get("function") or {}
        parts.append(
            {
                "type": "tool_call",
                "id": call.get("id"),
                "name": function.get("name"),
                "arguments": function.get("arguments"),
            }
        )
    return {"role": fields.get("role") or "user", "parts": parts}


def _output(response: dict[str, Any]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for choice in _choices(response):
        message = choice.get("message") or {"role": "assistant", "content": choice.get("text")}
        made.append(
            {**_message(message), "role": "assistant", "finish_reason": str(choice.get("finish_reason"))}
        )
    if not made and isinstance(response.get("content"), list):  # Anthropic's
        made.append({"role": "assistant", "parts": response["content"]})
    if not made and isinstance(response.get("output"), list):  # OpenAI's Responses
        made += [{"role": "assistant", "parts": as_list(item.get("content"))} for item in response["output"]]
    return made


def _text(content: Any) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    return _json(content)


def _json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _host(address: str | None) -> str | None:
    if not address:
        return None
    from urllib.parse import urlsplit

    try:
        return urlsplit(address).hostname
    except ValueError:
        return None

"""Why a model stopped, in OpenAI's five words (GEN-35)."""

from __future__ import annotations

FINISH_REASONS = {
    # OpenAI
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "function_call",
    "content_filter": "content_filter",
    # Anthropic, Bedrock
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "compaction": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    # Cohere
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "TOOL_CALL": "tool_calls",
    "ERROR": "stop",
    "ERROR_TOXIC": "content_filter",
    # Google
    "STOP": "stop",
    "FINISH_REASON_UNSPECIFIED": "stop",
    "MALFORMED_FUNCTION_CALL": "stop",
    "MALFORMED_RESPONSE": "stop",
    "MISSING_THOUGHT_SIGNATURE": "stop",
    "TOO_MANY_TOOL_CALLS": "stop",
    "UNEXPECTED_TOOL_CALL": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "BLOCKLIST": "content_filter",
    "ESCALATION": "content_filter",
    "IMAGE_OTHER": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "LANGUAGE": "content_filter",
    "NO_IMAGE": "content_filter",
    "OTHER": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "RECITATION": "content_filter",
    "SAFETY": "content_filter",
    "SPII": "content_filter",
    # Others
    "eos": "stop",
    "eos_token": "stop",
    "error": "stop",
    "network_error": "stop",
    "sensitive": "content_filter",
}


def map_finish_reason(finish_reason: str) -> str:
    """The OpenAI word for a provider's `finish_reason`; "stop", with a warning in the log, for an unknown one."""
    mapped = FINISH_REASONS.get(finish_reason)
    if mapped is None:
        from logging import getLogger

        getLogger("ferrolite").warning(
            "unknown finish reason, taken as stop: finish_reason=%r", finish_reason
        )
        mapped = "stop"
    return mapped

"""The names of calls, as hooks are told them."""

from __future__ import annotations

from enum import Enum

_NAMES = (
    "embedding",
    "completion",
    "text_completion",
    "image_generation",
    "image_edit",
    "image_variation",
    "moderation",
    "transcription",
    "speech",
    "rerank",
    "search",
    "create_batch",
    "retrieve_batch",
    "cancel_batch",
    "list_batches",
    "create_file",
    "file_retrieve",
    "file_delete",
    "file_list",
    "file_content",
    "create_fine_tuning_job",
    "cancel_fine_tuning_job",
    "list_fine_tuning_jobs",
    "retrieve_fine_tuning_job",
    "anthropic_messages",
    "responses",
    "get_responses",
    "delete_responses",
    "cancel_responses",
    "list_input_items",
    "generate_content",
    "generate_content_stream",
    "ocr",
)

CallTypes = Enum(
    "CallTypes",
    {name: name for base in _NAMES for name in (base, f"a{base}")}
    | {"pass_through": "pass_through_endpoint", "call_mcp_tool": "call_mcp_tool"},
    type=str,
    module="ferrolite.types.utils",
)
"""A member is its name, as text: `CallTypes.acompletion == "acompletion"`."""

"""`return_raw_request`: what a call would send."""

from __future__ import annotations

import sys

from ferrolite import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_settings = sys.modules["ferrolite"].__dict__

_CORE = {
    "anthropic_messages": "messages",
    "cancel_responses": "cancel_response",
    "completion": None,
    "delete_responses": "delete_response",
    "generate_content_stream": "generate_content",
    "get_responses": "get_response",
}
"""The core's names of calls that have another one there."""


def return_raw_request(endpoint: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The request that a call would send. Nothing is sent.

    Args:
        endpoint: The call: a member of `CallTypes`, or its name.
        kwargs: The call's keywords.

    Returns:
        A dict with `raw_request_api_base` (the address), `raw_request_body`, `raw_request_headers` (keys are
        masked) and `error`; the last one is a text, and the only field, when the call would not be sent.
    """
    name = str(getattr(endpoint, "value", endpoint))
    name = name.removeprefix("a") if name != "anthropic_messages" else name
    arguments = dict(kwargs)
    if isinstance(arguments.get("response_format"), type):
        from ferrolite._schema import response_format

        arguments["response_format"] = response_format(arguments["response_format"])
    try:
        return raw_request(_core.preview(arguments, _settings, _CORE.get(name, name)))
    except Exception as error:
        return {"error": str(error)}


def raw_request(seen: dict[str, Any]) -> dict[str, Any]:
    """A request in the form of LiteLLM's `RawRequestTypedDict`."""
    return {
        "raw_request_api_base": seen["url"],
        "raw_request_body": seen["body"] or {},
        "raw_request_headers": seen["headers"],
        "error": None,
    }

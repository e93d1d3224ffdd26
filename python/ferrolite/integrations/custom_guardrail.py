"""The base class of guardrails of the gateway."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What requests and subclasses say is theirs: plain data of any shape.

from __future__ import annotations

from ferrolite.integrations.custom_logger import CustomLogger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class CustomGuardrail(CustomLogger):
    """A guardrail: a logger whose hooks run for the requests that ask for it, and in its modes only.

    A subclass overrides the hooks of its modes (`async_pre_call_hook`, `async_moderation_hook`,
    `async_post_call_success_hook`, the streaming hooks), or `apply_guardrail` alone.

    Args:
        guardrail_name: What requests ask for it by.
        event_hook: Its modes: "pre_call", "during_call", "post_call", or a list of them.
        default_on: Runs for requests that do not ask for it, too.
        supported_event_hooks: Modes that it has; others are refused.
        **kwargs: Whatever else the configuration says.

    Raises:
        ValueError: A mode that it does not have.
    """

    def __init__(
        self,
        guardrail_name: str | None = None,
        supported_event_hooks: list[Any] | None = None,
        event_hook: Any = None,
        default_on: bool = False,
        **kwargs: Any,
    ) -> None:
        self.guardrail_name = guardrail_name
        self.supported_event_hooks = supported_event_hooks
        self.event_hook = event_hook
        self.default_on = bool(default_on)
        self.optional_params = kwargs
        super().__init__()
        if supported_event_hooks:
            known = {_mode(one) for one in supported_event_hooks}
            for mode in modes_of(self):
                if mode not in known:
                    raise ValueError(f"the guardrail {guardrail_name!r} has no mode {mode!r}")

    async def apply_guardrail(
        self, inputs: Any, request_data: dict[str, Any], input_type: str, logging_obj: Any = None
    ) -> Any:
        """Check the texts of a request (`input_type` "request") or an answer ("response").

        Args:
            inputs: {"texts": [...]}.
            request_data: The request.

        Returns:
            The same, changed or not. An exception refuses the request.
        """
        return inputs

    def should_run_guardrail(self, data: dict[str, Any], event_type: Any) -> bool:
        """Whether it runs for a request at a point."""
        mode = _mode(event_type)
        modes = modes_of(self)
        if modes and mode not in modes:
            return False
        return self.default_on or self.guardrail_name in requested(data)

    def get_guardrail_dynamic_request_body_params(self, request_data: dict[str, Any]) -> dict[str, Any]:
        """What a request says to this guardrail: `{"guardrails": [{name: {"extra_body": …}}]}`."""
        told: Any = requested(request_data).get(self.guardrail_name)
        return dict(told.get("extra_body") or {}) if isinstance(told, dict) else {}


def modes_of(guardrail: Any) -> list[str]:
    """The modes of a guardrail; none means all."""
    given = getattr(guardrail, "event_hook", None)
    if given is None:
        return []
    return [_mode(one) for one in given] if isinstance(given, (list, tuple)) else [_mode(given)]


def requested(data: dict[str, Any]) -> dict[Any, Any]:
    """The guardrails that a request names, and what it says to each."""
    found: dict[Any, Any] = {}
    for place in (data, data.get("metadata"), data.get("litellm_metadata")):
        named: Any = place.get("guardrails") if isinstance(place, dict) else None
        for one in named if isinstance(named, list) else ():
            found.update(one if isinstance(one, dict) else {one: {}})
    return found


def _mode(given: Any) -> str:
    return str(getattr(given, "value", given))

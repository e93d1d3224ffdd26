"""Chat completions: the whole answer, and the chunks of a stream."""

from __future__ import annotations

from ferrolite.types._base import Model, Response, as_dict, invalid, new_id, now, put
from ferrolite.types.finish_reason import map_finish_reason
from ferrolite.types.logprobs import ChoiceLogprobs
from ferrolite.types.message import Delta, Message
from ferrolite.types.usage import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_UNSET: Any = object()


class Choices(Model):
    """One of the answers. `logprobs` and `provider_specific_fields` do not exist unless they were given.

    A provider's own `finish_reason` is mapped to OpenAI's and kept as
    ``provider_specific_fields["native_finish_reason"]``.
    """

    finish_reason: str
    index: int
    message: Message
    logprobs: ChoiceLogprobs | Any
    provider_specific_fields: dict[str, Any]

    def __init__(
        self,
        finish_reason: str | None = None,
        index: int = 0,
        message: Message | dict[str, Any] | None = None,
        logprobs: ChoiceLogprobs | dict[str, Any] | Any = None,
        enhancements: Any = None,
        provider_specific_fields: dict[str, Any] | None = None,
        **extras: Any,
    ) -> None:
        mapped = map_finish_reason(finish_reason) if finish_reason else "stop"
        values = self.__dict__
        values["finish_reason"] = mapped
        values["index"] = index
        values["message"] = Message() if message is None else Message.model_validate(message)
        put(values, logprobs=_logprobs(logprobs))
        if finish_reason and mapped != finish_reason:
            provider_specific_fields = {
                **(provider_specific_fields or {}),
                "native_finish_reason": finish_reason,
            }
        put(values, provider_specific_fields=provider_specific_fields, enhancements=enhancements)
        values.update(extras)


class StreamingChoices(Model):
    """A choice's part in a chunk."""

    finish_reason: str | None = None
    index: int = 0
    delta: Delta
    logprobs: ChoiceLogprobs | Any = None

    def __init__(
        self,
        finish_reason: str | None = None,
        index: int = 0,
        delta: Delta | dict[str, Any] | None = None,
        logprobs: ChoiceLogprobs | dict[str, Any] | Any = None,
        enhancements: Any = None,
        **extras: Any,
    ) -> None:
        values = self.__dict__
        values["finish_reason"] = map_finish_reason(finish_reason) if finish_reason else None
        values["index"] = index
        values["delta"] = Delta() if delta is None else Delta.model_validate(delta)
        values["logprobs"] = _logprobs(logprobs)
        put(values, enhancements=enhancements)
        values.update(extras)


class ModelResponseBase(Response):
    """What the whole answer and a chunk have in common. Their dumps leave out what was never set."""

    id: str
    created: int
    model: str | None = None
    object: str
    system_fingerprint: str | None = None

    def model_dump(self, **switches: Any) -> dict[str, Any]:
        """The fields as a dict, only those that were set unless `exclude_unset` or `exclude_none` is given."""
        if "exclude_unset" not in switches and "exclude_none" not in switches:
            switches["exclude_unset"] = True
        return super().model_dump(**switches)


class ModelResponse(ModelResponseBase):
    """The whole answer of a chat completion. `usage` does not exist unless it was given."""

    choices: list[Choices]
    if TYPE_CHECKING:
        usage: Usage

    def __init__(
        self,
        id: str | None = None,
        choices: list[Any] | Any = None,
        created: int | None = None,
        model: str | None = None,
        object: str | None = None,
        system_fingerprint: str | None = _UNSET,
        usage: Usage | dict[str, Any] | None = None,
        stream: bool | None = None,
        stream_options: dict[str, Any] | None = None,
        response_ms: float | None = None,
        hidden_params: dict[str, Any] | None = None,
        _response_headers: dict[str, Any] | None = None,
        **extras: Any,
    ) -> None:
        values = self.__dict__
        values["id"] = id or f"chatcmpl-{new_id()}"
        values["created"] = created or now()
        values["model"] = model
        values["object"] = "chat.completion"
        if system_fingerprint is not _UNSET:
            values["system_fingerprint"] = system_fingerprint
        values["choices"] = [Choices()] if choices is None else _choices(Choices, choices)
        if usage is not None:
            values["usage"] = Usage.model_validate(usage)
        put(
            values,
            _response_ms=response_ms,
            _hidden_params=hidden_params,
            _response_headers=_response_headers,
        )
        values.update(extras)


class ModelResponseStream(ModelResponseBase):
    """A chunk of a streamed chat completion. Only the one that reports it has `usage`."""

    choices: list[StreamingChoices]
    provider_specific_fields: dict[str, Any] | None = None
    if TYPE_CHECKING:
        usage: Usage

    # Not fields of a chunk, but OpenAI's SDK reads them of each one that its accumulator is given.
    moderation = None
    obfuscation = None
    service_tier = None

    def __init__(
        self,
        choices: list[Any] | Any = None,
        id: str | None = None,
        created: int | None = None,
        provider_specific_fields: dict[str, Any] | None = None,
        **extras: Any,
    ) -> None:
        values = self.__dict__
        values["id"] = id or f"chatcmpl-{new_id()}"
        values["created"] = created or now()
        values["object"] = "chat.completion.chunk"
        values["choices"] = [StreamingChoices()] if choices is None else _choices(StreamingChoices, choices)
        values["provider_specific_fields"] = provider_specific_fields
        extras.pop("object", None)
        if extras.get("usage") is not None:
            extras["usage"] = Usage.model_validate(extras["usage"])
        values.update(extras)


def _logprobs(value: Any) -> Any:
    return ChoiceLogprobs(**value) if isinstance(value, dict) else value  # pyright: ignore[reportUnknownArgumentType]


def _choices(cls: Any, given: Any) -> list[Any]:
    """Choices of one class from instances of it, dicts or other models; a single one counts as a list of one."""
    made: list[Any] = []
    for choice in given if isinstance(given, (list, tuple)) else [given]:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(choice, cls):
            fields = as_dict(choice)
            if fields is None:
                raise invalid(cls, "model_type", choice)
            choice = cls(**fields)
        made.append(choice)
    return made

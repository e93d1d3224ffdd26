"""What `mock_response` may be beside a text."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def response_of_mock(mock: Any, arguments: dict[str, Any]) -> Any:
    """The response that a mock is, or None after its text was put into the arguments of the call.

    Raises:
        The exception itself when the mock is one: as it is when it is of this package or openai's, else as
        InternalServerError.
    """
    if isinstance(mock, BaseException):
        raise _exception_of_mock(mock, arguments["model"])
    from ferrolite.types.utils import ModelResponse

    if isinstance(mock, dict) and "choices" in mock:
        mock = ModelResponse(**mock)  # pyright: ignore[reportUnknownArgumentType]
    if not isinstance(mock, ModelResponse):
        arguments["kwargs"]["mock_response"] = str(mock)  # pyright: ignore[reportUnknownArgumentType]
        return None
    if not arguments["stream"]:
        return mock
    message: Any = mock.choices[0].message
    calls = [call.model_dump() for call in message.tool_calls or ()]
    arguments["kwargs"].update(mock_response=message.content or "", mock_tool_calls=calls)
    return None


def _exception_of_mock(mock: BaseException, model: str) -> BaseException:
    if hasattr(mock, "status_code") or not isinstance(mock, Exception):
        return mock
    from ferrolite._providers import get_llm_provider
    from ferrolite.exceptions import InternalServerError

    name, provider, _, _ = get_llm_provider(model)
    error = InternalServerError(message=str(mock), llm_provider=provider, model=name)
    error.__cause__ = mock
    return error

"""What `mock_response` may be beside a text."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def text_of_mock(mock: Any, model: str) -> str:
    """The text of a mock answer.

    Raises:
        The exception itself when the mock is one: as it is when it is of this package or openai's, else as
        InternalServerError.
    """
    if isinstance(mock, BaseException):
        if hasattr(mock, "status_code") or not isinstance(mock, Exception):
            raise mock
        from ferrolite import _core
        from ferrolite.exceptions import InternalServerError

        provider, name = _core.split_model(model)
        raise InternalServerError(message=str(mock), llm_provider=provider, model=name) from mock
    is_dict = issubclass(type(mock), dict)  # isinstance would make pyright forget that a mock can be anything
    choices: Any = mock.get("choices") if is_dict else getattr(mock, "choices", None)
    if choices:
        return choices[0]["message"]["content"] or ""
    return str(mock)

"""Settings that few programs use, and the models behind a chat completion that failed."""

from __future__ import annotations

import sys

from ferrolite import _hooks
from ferrolite._stream import CoreReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ferrolite._hooks import Face

_settings = sys.modules["ferrolite"].__dict__


def run(face: Face, arguments: dict[str, Any]) -> Any:
    """The answer of the first model that gives one, checked against its schema.

    Raises:
        The error of the first, which names the others; of the last where each attempt is Python's.
        JSONSchemaValidationError: The answer does not follow the schema that was asked for.
    """
    if _is_the_cores(arguments):
        return _checked(_hooks.run(face, arguments), face, arguments, False)
    for call, is_last in _calls(arguments):
        try:
            return _checked(_hooks.run(face, call), face, call, False)
        except Exception as error:
            if is_last:
                raise
            _tell(call, error)
    return None


async def arun(face: Face, arguments: dict[str, Any]) -> Any:
    """`run` for asyncio."""
    if _is_the_cores(arguments):
        return _checked(await _hooks.arun(face, arguments), face, arguments, True)
    for call, is_last in _calls(arguments):
        try:
            return _checked(await _hooks.arun(face, call), face, call, True)
        except Exception as error:
            if is_last:
                raise
            _tell(call, error)
    return None


def _is_the_cores(arguments: dict[str, Any]) -> bool:
    """Whether the core goes from model to model: nothing that only Python can do happens in between."""
    keywords: dict[str, Any] = arguments["kwargs"]
    if keywords.get("fallbacks") is None:
        keywords["fallbacks"] = _settings["model_fallbacks"]
    return not (
        _settings["custom_provider_map"]
        or _settings["use_litellm_proxy"]
        or _hooks.is_watched(arguments)
        or not isinstance(keywords.get("mock_response"), (str, bool, type(None)))
    )


def _calls(arguments: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """The call itself, then one for each fallback: a model, or a dict of keywords that differ."""
    keywords: dict[str, Any] = arguments["kwargs"]
    given: Any = keywords.pop("fallbacks", None)
    behind: list[Any] = list((_settings["model_fallbacks"] if given is None else given) or ())
    changes: list[dict[str, Any]] = [one if isinstance(one, dict) else {"model": one} for one in behind]
    for number, changed in enumerate([{}, *changes]):
        call = {**arguments, "kwargs": dict(keywords)}
        for name, value in changed.items():
            (call if name in arguments else call["kwargs"])[name] = value
        yield call, number == len(behind)


def _tell(call: dict[str, Any], error: Exception) -> None:
    from logging import getLogger

    getLogger("LiteLLM").warning("a model failed, the next is asked: model=%s error=%s", call["model"], error)


def apply(arguments: dict[str, Any]) -> None:
    """Let the settings act that are read before a chat completion.

    Raises:
        BudgetExceededError: The process has spent what it may.
    """
    if _settings["json_logs"]:
        from ferrolite import _logging

        if not _logging.is_json:
            _logging.turn_on_json()
    if _settings["credential_list"]:
        from ferrolite._helpers import load_credentials_from_list

        load_credentials_from_list(arguments["kwargs"])
        for name in ("api_key", "api_version"):
            arguments[name] = arguments[name] or arguments["kwargs"].pop(name, None)
    if 0 < _settings["max_budget"] < _settings["_current_cost"]:
        from ferrolite.exceptions import BudgetExceededError

        raise BudgetExceededError(_settings["_current_cost"], _settings["max_budget"])
    if _settings["use_litellm_proxy"] and not arguments["model"].startswith("litellm_proxy/"):
        arguments["model"] = f"litellm_proxy/{arguments['model']}"


def _checked(response: Any, face: Face, arguments: dict[str, Any], is_async: bool) -> Any:
    """The response, when its text follows the schema that was asked for (not a stream's); its cost is counted."""
    if isinstance(response, CoreReader):
        if _settings["max_budget"]:
            from ferrolite._observe.stream import count_for_budget

            count_for_budget(response, face, arguments, is_async)
        return response
    if _settings["max_budget"]:
        cost: Any = getattr(response, "_hidden_params", {}).get("response_cost")
        _settings["_current_cost"] += cost or 0.0
    if not (arguments["enable_json_schema_validation"] or _settings["enable_json_schema_validation"]):
        return response
    form: Any = arguments["response_format"]
    if not isinstance(form, dict) or not hasattr(response, "choices"):
        return response
    schema: Any = (form.get("json_schema") or {}).get("schema") or form.get("response_schema")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if schema is None:
        return response
    message: Any = response.choices[0].message
    text: Any = message.content
    if text is None or (not text and message.tool_calls):  # tools are called first
        return response
    from ferrolite._json_schema import validate_schema

    validate_schema(schema=schema, response=text)  # pyright: ignore[reportUnknownArgumentType]
    return response

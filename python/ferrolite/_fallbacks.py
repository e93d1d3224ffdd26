"""Settings that few programs use, and the models behind a chat completion that failed."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_settings = sys.modules["ferrolite"].__dict__


def wanted(arguments: dict[str, Any]) -> bool:
    """Whether a call has models to fall back on."""
    return bool(arguments["kwargs"].get("fallbacks") or _settings["model_fallbacks"])


def run(arguments: dict[str, Any]) -> Any:
    """The answer of the first model that gives one.

    Raises:
        The error of the last.
    """
    package: Any = sys.modules["ferrolite"]
    for call, is_last in _calls(arguments):
        try:
            return package.completion(**call)
        except Exception as error:
            if is_last:
                raise
            _tell(call, error)
    return None


async def arun(arguments: dict[str, Any]) -> Any:
    """`run` for asyncio."""
    package: Any = sys.modules["ferrolite"]
    for call, is_last in _calls(arguments):
        try:
            return await package.acompletion(**call)
        except Exception as error:
            if is_last:
                raise
            _tell(call, error)
    return None


def _calls(arguments: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """The call itself, then one for each fallback: a model, or a dict of keywords that differ."""
    call = {**arguments, **arguments["kwargs"]}
    del call["kwargs"]
    # Not None: that would ask for the setting's.
    behind: Any = call.pop("fallbacks", None) or _settings["model_fallbacks"]
    others: list[dict[str, Any]] = [one if isinstance(one, dict) else {"model": one} for one in behind]
    everyone = [{}, *others]
    for number, changed in enumerate(everyone, 1):
        yield {**call, **changed, "fallbacks": ()}, number == len(everyone)


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


def validate(response: Any, arguments: dict[str, Any]) -> Any:
    """The response, when its text follows the schema that was asked for.

    Raises:
        JSONSchemaValidationError: It does not.
    """
    form: Any = arguments["response_format"]
    if not isinstance(form, dict) or not hasattr(response, "choices"):
        return response
    schema: Any = (form.get("json_schema") or {}).get("schema") or form.get("response_schema")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if schema is None:
        return response
    from ferrolite import _surface

    check = _surface.resolve("ferrolite.litellm_core_utils.json_validation_rule", "validate_schema")
    check(schema=schema, response=response.choices[0].message.content)
    return response

"""A Python function as a tool that a model can be told of."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "tuple": "array",
    "set": "array",
    "dict": "object",
    "NoneType": "null",
}


def function_to_dict(input_function: Callable[..., Any]) -> dict[str, Any]:
    """The `function` object of OpenAI's tools for a Python function.

    Types come from annotations, else from the docstring (NumPy's style); words from the docstring; what has no default
    is required.

    Args:
        input_function: The function. Without a docstring it has no description.
    """
    import inspect

    summary, described = _read_docstring(inspect.getdoc(input_function) or "")
    hints = _hints(input_function)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, parameter in inspect.signature(input_function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or name in ("self", "cls"):
            continue
        kind, words = described.get(name, ("", None))
        schema = _schema(hints[name]) if name in hints else _documented(kind)
        if words is not None:
            schema["description"] = words
        properties[name] = schema
        if parameter.default is parameter.empty:
            required.append(name)
    parameters: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        parameters["required"] = required
    made: dict[str, Any] = {"name": input_function.__name__, "parameters": parameters}
    return {"name": made["name"], "description": summary, "parameters": parameters} if summary else made


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    import typing

    try:
        return typing.get_type_hints(function)
    except Exception:
        # An annotation that cannot be evaluated is as good as none.
        return {}


def _schema(hint: Any) -> dict[str, Any]:
    import types
    import typing

    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        first = _TYPES.get(type(inner[0]).__name__, "string")
        return {"type": first, "enum": list(inner)}
    if origin in (typing.Union, types.UnionType):
        real = [each for each in inner if each is not type(None)]
        return _schema(real[0]) if len(real) == 1 else {"anyOf": [_schema(each) for each in real]}
    if origin in (list, set, tuple):
        items = [each for each in inner if each is not ...]
        return {"type": "array", "items": _schema(items[0])} if items else {"type": "array"}
    return {"type": _TYPES.get(getattr(origin or hint, "__name__", ""), "string")}


def _documented(kind: str) -> dict[str, Any]:
    """A type as docstrings write it: `int`, `list of str, optional`, `{'a', 'b'}`."""
    if kind.startswith("{"):
        choices = [each.strip().strip("'\"") for each in kind[1 : kind.find("}")].split(",")]
        return {"type": "string", "enum": choices}
    words = kind.replace(",", " ").replace("[", " ").split()
    return {"type": _TYPES.get(words[0], "string") if words else "string"}


def _read_docstring(text: str) -> tuple[str, dict[str, tuple[str, str | None]]]:
    """The first paragraph, and of each parameter its type and its words."""
    lines = text.splitlines()
    end = next((at for at, line in enumerate(lines) if not line.strip()), len(lines))
    summary = "\n".join(line.strip() for line in lines[:end])
    heads = [at for at in range(len(lines) - 1) if lines[at + 1].startswith("---")]
    described: dict[str, tuple[str, str | None]] = {}
    for at in heads:
        if lines[at].strip() != "Parameters":
            continue
        stop = next((other for other in heads if other > at), len(lines))
        names: list[str] = []
        for line in lines[at + 2 : stop]:
            if line and not line[0].isspace():
                before, _, kind = line.partition(":")
                names = [name.strip() for name in before.split(",")]
                for name in names:
                    described[name] = (kind.strip(), None)
            elif line.strip():
                for name in names:
                    kind, words = described[name]
                    described[name] = (kind, f"{words}\n{line.strip()}" if words else line.strip())
    return summary, described

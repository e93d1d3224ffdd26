"""How response classes pass for pydantic models without being any.

Code asks ``isinstance(x, pydantic.BaseModel)`` before it dumps, prints or sends an object. Current pydantic
answers from the real bases alone (registering a virtual subclass has no effect), so instances name a class of
their own kind that has those bases: ``x.__class__`` is a *face*, a subclass of both ``type(x)`` and
``openai.BaseModel`` or ``pydantic.BaseModel`` that is never instantiated. ``type(x)`` stays the public class.

Nothing here imports pydantic: until some other code has, nobody can ask.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_faces: dict[tuple[type, type], type] = {}


def apparent_class(cls: Any) -> type:
    """What ``__class__`` of an instance of `cls` says."""
    base = getattr(sys.modules.get("openai.types.responses"), cls._openai, None) if cls._openai else None
    if base is None:
        base = getattr(sys.modules.get("openai"), "BaseModel", None)
    if base is None:
        base = getattr(sys.modules.get("pydantic.main"), "BaseModel", None)
        if base is None:
            return cls
    face = _faces.get((cls, base))
    return face or _faces.setdefault((cls, base), _make_face(cls, base))


def _make_face(cls: type, base: Any) -> type:
    from abc import ABCMeta

    def new(face: type, *args: Any, **kwargs: Any) -> Any:
        return cls(*args, **kwargs)

    names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__new__": new}
    # Past pydantic's metaclass, which would collect fields and build a validator.
    metaclass: Any = type(base)  # pyright: ignore[reportUnknownVariableType]
    return ABCMeta.__new__(metaclass, cls.__name__, (cls, base), names)


class Serializer:
    """``__pydantic_serializer__``: what pydantic calls for a value of ours in a field of any type."""

    def __get__(self, instance: Any, owner: Any) -> Any:
        if "pydantic_core" not in sys.modules:
            raise AttributeError("__pydantic_serializer__")
        from pydantic_core import SchemaSerializer, core_schema

        global _serializer
        if _serializer is None:
            _serializer = SchemaSerializer(core_schema.any_schema(serialization=_serialization()))
        return _serializer


_serializer: Any = None


def core_schema(cls: Any) -> Any:
    """The pydantic-core schema of a field annotated with `cls`."""
    from pydantic_core import core_schema

    return core_schema.no_info_plain_validator_function(cls.model_validate, serialization=_serialization())


def _serialization() -> Any:
    from pydantic_core import core_schema

    return core_schema.plain_serializer_function_ser_schema(_dump, info_arg=True)


def _dump(value: Any, info: Any) -> Any:
    switches = ("mode", "include", "exclude", "exclude_unset", "exclude_defaults", "exclude_none")
    return value.dict(**{name: getattr(info, name) for name in switches})


class Field:
    """One entry of ``model_fields``: the annotation as written, and the default where there is one."""

    def __init__(self, annotation: str, default: Any, required: bool) -> None:
        self.annotation = annotation
        self.default = default
        self.required = required

    def is_required(self) -> bool:
        """Whether the field has no default."""
        return self.required

    def __repr__(self) -> str:
        return f"Field(annotation={self.annotation!r}, required={self.required})"


class ModelFields:
    """``model_fields``: the declared fields by name, made when asked for."""

    def __get__(self, instance: Any, owner: Any) -> dict[str, Field]:
        annotations: dict[str, str] = {}
        for cls in reversed(owner.__mro__):
            annotations.update(getattr(cls, "__annotations__", {}))
        defaults = owner._defaults
        return {
            n: Field(annotations.get(n, "Any"), defaults.get(n), n not in defaults) for n in owner._fields
        }

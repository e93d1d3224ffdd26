"""The base of every response class: plain attributes, with pydantic's ways of reading them.

A field is an annotation. A default is a class attribute; a field without one does not exist until it is given.
The instance ``__dict__`` therefore holds exactly what was set, in this module's terms the *set* fields, and
every name in it that is not declared is an extra. Names that start with an underscore are never dumped.

The Rust core makes instances with ``cls.__new__(cls)`` and fills the ``__dict__``; constructors are for callers.
"""

from __future__ import annotations

import sys

from ferrolite.types import _pydantic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, ClassVar, TypeAlias

    from typing_extensions import Self

    Fields: TypeAlias = dict[str, Any]

_OWN_HOMES = ("ferrolite.types.llms.openai", "ferrolite.types.router")
"""Modules whose classes say where they are; the others are said to be in `types.utils`."""
_ATOMS = frozenset((str, int, float, bool, type(None)))
_INFINITE = (float("inf"), float("-inf"))


def _annotated(cls: type) -> dict[str, Any]:
    """The annotations in the body of `cls`."""
    try:
        return cls.__annotations__
    except NameError:  # Python 3.14 evaluates them here, and a name may be there for type checkers only
        from importlib import import_module

        annotationlib: Any = import_module("annotationlib")
        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)


class Model:
    """What all response classes share: item access, dumps, copies, comparison, pydantic's class methods."""

    _fields: ClassVar[tuple[str, ...]] = ()
    """Declared fields, in the order of a dump; read from the annotations."""
    _defaults: ClassVar[Fields] = {}
    """Those of the declared fields that exist without being set."""
    _nested: ClassVar[dict[str, Callable[[Any], Any]]] = {}
    """How the generic constructor converts a field's value."""
    _required: ClassVar[tuple[str, ...]] = ()
    """Fields the generic constructor insists on."""
    _openai: ClassVar[str] = ""
    """The class of openai's Responses that instances pass for once openai is loaded."""
    _extras: ClassVar[bool] = True
    """Whether the generic constructor keeps names that are not declared."""

    if not TYPE_CHECKING:
        __pydantic_decorators__ = None
        __pydantic_generic_metadata__ = {"origin": None, "args": (), "parameters": ()}
        __pydantic_serializer__ = _pydantic.Serializer()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("ferrolite.types.") and cls.__module__ not in _OWN_HOMES:
            cls.__module__ = "ferrolite.types.utils"
        known = cls._fields
        cls._fields = known + tuple(n for n in _annotated(cls) if n[0] != "_" and n not in known)
        cls._defaults = {n: getattr(cls, n) for n in cls._fields if hasattr(cls, n)}

    def __init__(self, **data: Any) -> None:
        cls = type(self)
        for name in cls._required:
            if name not in data:
                raise invalid(cls, "missing", data, name)
        values, nested = self.__dict__, cls._nested
        for name, value in data.items():
            if value is not None and name in nested:
                value = nested[name](value)
            if cls._extras or name in cls._fields:
                values[name] = value

    # Reading and writing as a mapping

    def __getitem__(self, key: str) -> Any:
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, key, value)

    def __contains__(self, key: str) -> bool:
        return hasattr(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        """The attribute called `key`, or `default` when there is none."""
        return getattr(self, key, default)

    def __delattr__(self, name: str) -> None:
        self.__dict__.pop(name, None)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(pairs(self))

    # Dumps

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: Any = None,
        exclude: Any = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        fallback: Callable[[Any], Any] | None = None,
        **ignored: Any,
    ) -> Fields:
        """The fields as a dict, nested models too.

        `mode` "json" turns values JSON does not know into ones it does. `include` and `exclude` are sets of
        names or dicts that lead into nested values, as in pydantic. Pydantic's other switches are accepted
        and change nothing.
        """
        dump = _Dump(mode == "json", exclude_unset, exclude_defaults, exclude_none, fallback)
        return dump.model(self, include, exclude)

    def model_dump_json(
        self, *, indent: int | None = None, ensure_ascii: bool = False, **switches: Any
    ) -> str:
        """The fields as JSON text, compact unless `indent` is given. `switches` are those of `model_dump`."""
        from json import dumps

        switches["mode"] = "json"
        separators = (",", ":") if indent is None else (",", ": ")
        fields = Model.model_dump(self, **switches)
        return dumps(fields, indent=indent, ensure_ascii=ensure_ascii, separators=separators)

    def to_dict(self, *, mode: str = "python", exclude_unset: bool = True, **switches: Any) -> Fields:
        """The fields that were set, as a dict."""
        return Model.model_dump(self, mode=mode, exclude_unset=exclude_unset, **switches)

    def to_json(self, *, indent: int | None = 2, exclude_unset: bool = True, **switches: Any) -> str:
        """The fields that were set, as JSON text."""
        return self.model_dump_json(indent=indent, exclude_unset=exclude_unset, **switches)

    def dict(self, **switches: Any) -> Fields:
        """`model_dump` with pydantic's own defaults."""
        return Model.model_dump(self, **switches)

    def json(self, **switches: Any) -> Any:
        """JSON text; a dict for the classes that say so."""
        return self.model_dump_json(**switches)

    # Copies and comparison

    def __copy__(self) -> Self:
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        return blank, (type(self),), self.__dict__

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with the values of `update` in place of its own. Only a `deep` one copies nested values."""
        if deep:
            from copy import deepcopy

            twin = deepcopy(self)
        else:
            twin = self.__copy__()
        twin.__dict__.update(update or {})
        return twin

    def copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The older name of `model_copy`."""
        return self.model_copy(update=update, deep=deep)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return _comparable(self) == _comparable(other)

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in pairs(self))})"

    # Pydantic's class methods and properties

    @classmethod
    def model_validate(cls, obj: Any, **ignored: Any) -> Self:
        """An instance from a dict or another model; an instance of this class is returned as it is."""
        if isinstance(obj, cls):
            return obj
        fields = as_dict(obj)
        if fields is None:
            raise invalid(cls, "model_type", obj)
        return cls(**fields)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **ignored: Any) -> Self:
        """An instance from JSON text."""
        from json import loads

        return cls.model_validate(loads(json_data))

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:
        """An instance with exactly these attributes, nothing converted, nothing added."""
        made = cls.__new__(cls)
        made.__dict__.update(values)
        return made

    construct = model_construct

    @property
    def model_fields_set(self) -> set[str]:
        """Names of the fields that were set."""
        return {name for name, _ in pairs(self, set_only=True)}

    @property
    def model_extra(self) -> Fields:
        """What was set beside the declared fields."""
        declared = type(self)._fields
        return {name: value for name, value in pairs(self, set_only=True) if name not in declared}

    if TYPE_CHECKING:
        model_fields: ClassVar[dict[str, _pydantic.Field]]
    else:
        model_fields = _pydantic.ModelFields()
        __fields__ = model_fields
        __pydantic_fields__ = model_fields
        __pydantic_fields_set__ = model_fields_set
        __pydantic_extra__ = model_extra

        @property
        def __class__(self):
            return _pydantic.apparent_class(type(self))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return _pydantic.core_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Fields:
        return {"type": "object", "title": cls.__name__, "additionalProperties": True}


class _FromCall:
    """A private attribute that is read off the call behind an answer when it is first asked for."""

    def __init__(self, name: str, read: Callable[[Any, Any], Any], otherwise: Callable[[], Any]) -> None:
        self.name = name
        self.read = read
        self.otherwise = otherwise

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        call = instance.__dict__.get("_meta")
        value = self.otherwise() if call is None else self.read(call, instance)
        return instance.__dict__.setdefault(self.name, value)


def _nothing() -> None:
    return None


def _hidden_params_of(call: Any, answer: Any) -> Fields:
    from ferrolite.cost_calculator import cost_of_answer

    out = call.hidden_params()
    out["response_cost"] = cost_of_answer(answer, call)
    return out


class Response(Model):
    """What a whole answer has beside its fields. What is known of its call is in `_meta` until it is looked at."""

    if TYPE_CHECKING:
        _hidden_params: Fields
        _response_headers: Fields | None
        _response_ms: float | None
    else:
        _hidden_params = _FromCall("_hidden_params", _hidden_params_of, dict)
        _response_headers = _FromCall("_response_headers", lambda call, _: call.headers(), _nothing)
        _response_ms = _FromCall("_response_ms", lambda call, _: call.response_ms, _nothing)

    @property
    def response_ms(self) -> float | None:
        """Milliseconds from the call to its answer."""
        return self._response_ms

    def _settle(self) -> None:
        """Take over what is known of the call, which itself can be neither copied nor pickled."""
        if "_meta" in self.__dict__:
            _ = self._hidden_params, self._response_headers, self._response_ms
            del self.__dict__["_meta"]

    def __reduce__(self) -> tuple[Any, ...]:
        self._settle()
        return super().__reduce__()

    def __copy__(self) -> Self:
        self._settle()
        return super().__copy__()

    def __eq__(self, other: object) -> bool:
        self._settle()
        if isinstance(other, Response):
            other._settle()
        return super().__eq__(other)

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    @property
    def hidden_params(self) -> Fields:
        """What is known about the call beside its answer: provider, cost, headers, times."""
        return self._hidden_params

    @hidden_params.setter
    def hidden_params(self, value: Fields) -> None:
        self._hidden_params = value

    def json(self, **ignored: Any) -> Fields:
        """The same dict as `model_dump`."""
        return self.model_dump()


class _Dump:
    """One way of dumping: pydantic's switches, applied at every level."""

    def __init__(
        self,
        json: bool,
        set_only: bool,
        without_defaults: bool,
        without_none: bool,
        fallback: Callable[[Any], Any] | None,
    ) -> None:
        self.json = json
        self.set_only = set_only
        self.without_defaults = without_defaults
        self.without_none = without_none
        self.fallback = fallback

    def model(self, model: Model, include: Any = None, exclude: Any = None) -> Fields:
        items = pairs(model, self.set_only)
        if self.without_none:
            items = [item for item in items if item[1] is not None]
        if self.without_defaults:
            defaults = type(model)._defaults  # pyright: ignore[reportPrivateUsage]
            items = [item for item in items if item[0] not in defaults or item[1] != defaults[item[0]]]
        if include is None and exclude is None:
            return {k: v if type(v) in _ATOMS and not self.json else self.value(v) for k, v in items}
        return {k: self.value(v, *inner) for k, v, inner in _chosen(items, include, exclude)}

    def value(self, value: Any, include: Any = None, exclude: Any = None) -> Any:
        kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
        if kind in _ATOMS:
            lost = self.json and kind is float and (value != value or value in _INFINITE)
            return None if lost else value
        if issubclass(kind, Model):
            return self.model(value, include, exclude)
        if issubclass(kind, dict):
            return {k: self.value(v, *inner) for k, v, inner in _chosen(value.items(), include, exclude)}
        if issubclass(kind, (list, tuple, set, frozenset)):
            items = [self.value(v, *inner) for _, v, inner in _chosen(enumerate(value), include, exclude)]
            if self.json or issubclass(kind, list):
                return items
            return tuple(items) if issubclass(kind, tuple) else set(items)
        return self.foreign(value)

    def foreign(self, value: Any) -> Any:
        kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
        if hasattr(kind, "model_dump"):
            return value.model_dump(
                mode="json" if self.json else "python",
                exclude_unset=self.set_only,
                exclude_defaults=self.without_defaults,
                exclude_none=self.without_none,
            )
        if not self.json:
            return value
        value = getattr(value, "value", value)  # what an enum member stands for
        if isinstance(value, (str, int, float)):
            return value
        if isinstance(value, (bytes, bytearray)):
            return value.decode()
        if self.fallback is not None:
            return self.fallback(value)
        if hasattr(value, "isoformat"):
            return value.isoformat()
        pydantic_core = sys.modules.get("pydantic_core")
        return value if pydantic_core is None else pydantic_core.to_jsonable_python(value)


def pairs(model: Model, set_only: bool = False) -> list[tuple[str, Any]]:
    """Names and values of a model's fields: the declared ones in their order, then the extras."""
    values = model.__dict__
    fields = type(model)._fields  # pyright: ignore[reportPrivateUsage]
    if set_only:
        found = [(name, values[name]) for name in fields if name in values]
    else:
        every = {**type(model)._defaults, **values}  # pyright: ignore[reportPrivateUsage]
        found = [(name, every[name]) for name in fields if name in every]
    if len(values) > len(found) or not set_only:
        found += [(name, v) for name, v in values.items() if name not in fields and name[:1] != "_"]
    return found


def _comparable(model: Any) -> Any:
    private = {name: value for name, value in model.__dict__.items() if name[:1] == "_" and value}
    return dict(pairs(model)), private


def _chosen(items: Any, include: Any, exclude: Any) -> Iterator[tuple[Any, Any, tuple[Any, Any]]]:
    """Those of the `items` that pydantic's include and exclude leave, with what these say about their inside."""
    for key, value in items:
        wanted = _entry(include, key) if include is not None else None
        unwanted = _entry(exclude, key) if exclude is not None else False
        if wanted is False or unwanted is None:
            continue
        yield key, value, (wanted, unwanted or None)


def _entry(selection: Any, key: Any) -> Any:
    """False when `selection` leaves `key` out, None when it means all of it, else the selection inside."""
    if not hasattr(selection, "items"):
        return None if key in selection or "__all__" in selection else False
    entry = selection.get(key, selection.get("__all__", False))
    return None if entry is True or entry is ... else entry


def blank(cls: type[Model]) -> Model:
    """An instance with nothing set, for unpickling."""
    return cls.__new__(cls)


def as_dict(value: Any) -> Fields | None:
    """The fields of a dict or of any object that can dump itself; None for anything else."""
    if isinstance(value, dict):
        return value  # pyright: ignore[reportUnknownVariableType]
    dump = getattr(value, "model_dump", None)
    return dump() if callable(dump) else None  # pyright: ignore[reportReturnType]


def put(values: Fields, **given: Any) -> None:
    """Set the fields that were given; one that is None was not, and does not exist."""
    for name, value in given.items():
        if value is not None:
            values[name] = value


def many(cls: type[Model]) -> Callable[[Any], Any]:
    """A converter for a list of `cls`; what is no list passes."""

    def convert(values: Any) -> Any:
        return [cls.model_validate(value) for value in values] if isinstance(values, list) else values  # pyright: ignore[reportUnknownVariableType]

    return convert


def invalid(cls: type, problem: str, value: Any, *where: str) -> Exception:
    """What to raise for data no instance can be made of: pydantic's own error once pydantic is loaded.

    `problem` is pydantic's name for it: "missing" or "model_type".
    """
    core = sys.modules.get("pydantic_core")
    if core is None:
        text = "field required" if problem == "missing" else f"a dict or {cls.__name__} was expected"
        return ValueError(f"{'.'.join((cls.__name__, *where))}: {text}")
    context = {"class_name": cls.__name__} if problem == "model_type" else {}
    error = {"type": problem, "loc": where, "input": value, "ctx": context}
    return core.ValidationError.from_exception_data(cls.__name__, [error])


def new_id() -> str:
    """A random UUID (version 4) as text; the uuid module would cost its import."""
    from os import urandom

    text = urandom(16).hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def now() -> int:
    """Seconds since 1970."""
    from time import time

    return int(time())

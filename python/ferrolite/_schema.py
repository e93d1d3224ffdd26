"""A pydantic class as `response_format`: OpenAI's strict form of its JSON schema."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Schema = dict[str, Any]


def response_format(model: type[Any]) -> dict[str, Any]:
    """The `response_format` object for a class.

    Args:
        model: A pydantic model class, or another type that pydantic can describe.

    Raises:
        BadRequestError: The class has no JSON schema.
    """
    if hasattr(model, "model_json_schema"):
        schema = model.model_json_schema()
    else:
        try:
            from pydantic import TypeAdapter

            schema = TypeAdapter(model).json_schema()
        except Exception as error:
            from ferrolite.exceptions import BadRequestError

            text = f"response_format: the class {model.__name__} has no JSON schema ({error})"
            raise BadRequestError(message=text, model="", llm_provider="") from error
    name = model.__name__
    return {
        "type": "json_schema",
        "json_schema": {"schema": strict(schema, schema), "name": name, "strict": True},
        # As the class has it, for providers that take any schema; the core sends one of the two.
        "plain_schema": schema,
    }


def strict(schema: Any, root: Schema) -> Any:
    """OpenAI's strict form: every object closed, every property required, references with siblings unfolded."""
    if not isinstance(schema, dict):
        return schema
    out: Schema = dict(schema)  # pyright: ignore[reportUnknownArgumentType]
    for name in ("$defs", "definitions"):
        if isinstance(out.get(name), dict):
            out[name] = {key: strict(value, root) for key, value in out[name].items()}
    if out.get("type") == "object" and "additionalProperties" not in out:
        out["additionalProperties"] = False
    properties = out.get("properties")
    if isinstance(properties, dict):
        out["required"] = list(properties)  # pyright: ignore[reportUnknownArgumentType]
        out["properties"] = {key: strict(value, root) for key, value in properties.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(out.get("items"), dict):
        out["items"] = strict(out["items"], root)
    if isinstance(out.get("anyOf"), list):
        out["anyOf"] = [strict(value, root) for value in out["anyOf"]]
    if isinstance(out.get("allOf"), list):
        parts = out.pop("allOf")
        if len(parts) == 1:
            out = {**out, **strict(parts[0], root)}
        else:
            out["allOf"] = [strict(value, root) for value in parts]
    if "default" in out and out["default"] is None:
        del out["default"]
    reference = out.get("$ref")
    if isinstance(reference, str) and len(out) > 1:
        del out["$ref"]
        out = strict({**_resolve(reference, root), **out}, root)
    return out


def _resolve(reference: str, root: Schema) -> Schema:
    found: Any = root
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found

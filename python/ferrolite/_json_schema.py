"""Checking an answer against the schema that it was to follow."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def validate_schema(schema: dict[str, Any], response: str) -> None:
    """Check that a text is JSON that follows a schema.

    Args:
        schema: A JSON schema.
        response: The text.

    Raises:
        JSONSchemaValidationError: It is no JSON, or does not follow the schema.
        ImportError: The package `jsonschema` is not installed.
    """
    import json
    from importlib import import_module

    from ferrolite.exceptions import JSONSchemaValidationError

    try:
        check = import_module("jsonschema")
    except ImportError as failed:
        raise ImportError("checking answers needs the package: pip install jsonschema") from failed
    try:
        check.validate(json.loads(response), schema=schema)
    except (json.JSONDecodeError, check.ValidationError) as error:
        failed = JSONSchemaValidationError(
            model="", llm_provider="", raw_response=response, schema=json.dumps(schema)
        )
        raise failed from error

"""Structured output: an answer that follows a schema, given as a pydantic class or as JSON schema.

Runs against the mock provider; with a key of your own, leave out `api_base` and `api_key`.
"""

import json

from pydantic import BaseModel

from ferrolite import completion
from ferrolite.testing import MockServer

MESSAGES = [{"role": "user", "content": "Describe Oslo"}]


class City(BaseModel):
    """What is wanted of a city."""

    name: str
    inhabitants: int
    sights: list[str]


SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "city",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "coastal": {"type": "boolean"}},
            "required": ["name", "coastal"],
            "additionalProperties": False,
        },
    },
}


def main():
    with MockServer() as mock:
        for model in ("openai/gpt-4o", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"):
            target = {"model": model, "api_base": mock.base_url, "api_key": "any"}
            reply = completion(messages=MESSAGES, response_format=City, **target)
            city = City.model_validate_json(reply.choices[0].message.content)
            print(f"{model}: {city!r}")

            reply = completion(messages=MESSAGES, response_format=SCHEMA, **target)
            print(f"{model}: {json.loads(reply.choices[0].message.content)}")


if __name__ == "__main__":
    main()

"""Embeddings."""

from __future__ import annotations

from ferrolite.types._base import Model, Response, put
from ferrolite.types.usage import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal


class Embedding(Model):
    """One vector, a list of floats or base64 text."""

    embedding: list[float] | str
    index: int
    object: Literal["embedding"]

    _required = ("index", "object")

    def __init__(self, **data: Any) -> None:
        super().__init__(**{"embedding": [], **data})

    def __contains__(self, key: Any) -> bool:
        # As LiteLLM's: `in` looks at the (name, value) pairs.
        return key in list(self)


class EmbeddingResponse(Response):
    """Vectors for a list of inputs. `data` is a list of plain dicts: ``response.data[0]["embedding"]``."""

    model: str | None = None
    data: list[Any]
    object: Literal["list"]
    usage: Usage | None = None

    def __init__(
        self,
        model: str | None = None,
        usage: Usage | dict[str, Any] | None = None,
        response_ms: float | None = None,
        data: list[Any] | None = None,
        hidden_params: dict[str, Any] | None = None,
        _response_headers: dict[str, Any] | None = None,
        **ignored: Any,
    ) -> None:
        values = self.__dict__
        values["model"] = model
        values["data"] = [] if data is None else data
        values["object"] = "list"
        values["usage"] = Usage() if usage is None else Usage.model_validate(usage)
        put(
            values,
            _response_ms=response_ms,
            _hidden_params=hidden_params,
            _response_headers=_response_headers,
        )

"""Answers to questions that mean the same, in Qdrant."""

from __future__ import annotations

from ferrolite.caching._core_store import CoreStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class QdrantSemanticCache(CoreStore):
    """What `Cache(type="qdrant-semantic")` uses. Questions are compared by calls; nothing lies under a key.

    Args:
        qdrant_api_base, qdrant_api_key: Where Qdrant is; `QDRANT_API_BASE` (or `QDRANT_URL`) and `QDRANT_API_KEY` else.
        collection_name: The collection, which is made when it is missing.
        similarity_threshold: From 0 to 1; the least similarity of a hit.
        quantization_config: "binary", "scalar" or "product".
        embedding_model: The model that makes vectors of questions.
        vector_size: The length of the vectors, where it is not that of the first one.
        embedding_timeout: Seconds that a vector may take.
    """

    def __init__(
        self,
        qdrant_api_base: str | None = None,
        qdrant_api_key: str | None = None,
        collection_name: str | None = None,
        similarity_threshold: float | None = None,
        quantization_config: str | None = None,
        embedding_model: str = "text-embedding-ada-002",
        host_type: Any = None,
        vector_size: int | None = None,
        embedding_max_input_tokens: int | None = None,
        embedding_timeout: float | None = None,
    ) -> None:
        super().__init__(
            type="qdrant-semantic",
            qdrant_api_base=qdrant_api_base,
            qdrant_api_key=qdrant_api_key,
            collection_name=collection_name,
            similarity_threshold=similarity_threshold,
            quantization_config=quantization_config,
            embedding_model=embedding_model,
            vector_size=vector_size,
            embedding_timeout=embedding_timeout,
        )

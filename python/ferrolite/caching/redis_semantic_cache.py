"""Answers to questions that mean the same, in Redis with its search module."""

from __future__ import annotations

from ferrolite.caching._core_store import CoreStore
from ferrolite.caching.redis_cache import redis_spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class RedisSemanticCache(CoreStore):
    """What `Cache(type="redis-semantic")` uses.

    Questions are compared by calls; the methods here reach what lies under a key.

    Args:
        similarity_threshold: From 0 to 1; the least similarity of a hit.
        embedding_model: The model that makes vectors of questions.
        index_name: The name of the index.
        embedding_timeout: Seconds that a vector may take.
    """

    def __init__(
        self,
        host: str | None = None,
        port: str | int | None = None,
        password: str | None = None,
        redis_url: str | None = None,
        similarity_threshold: float | None = None,
        embedding_model: str = "text-embedding-ada-002",
        index_name: str | None = None,
        embedding_max_input_tokens: int | None = None,
        embedding_timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kwargs.pop("_core", None),
            type="redis-semantic",
            host=host,
            port=None if port is None else int(port),
            password=password,
            similarity_threshold=similarity_threshold,
            embedding_model=embedding_model,
            index_name=index_name,
            embedding_timeout=embedding_timeout,
            **redis_spec({**kwargs, "redis_url": redis_url}),
        )

"""Two stores, one behind the other: memory, and Redis for what memory does not have."""

from __future__ import annotations

from ferrolite.caching.base_cache import BaseCache, in_thread
from ferrolite.caching.in_memory_cache import InMemoryCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.caching.redis_cache import RedisCache


class DualCache(BaseCache):
    """Memory in front of Redis; without Redis, memory alone.

    A Redis that cannot be reached is logged, and memory serves on.

    Args:
        in_memory_cache, redis_cache: The stores.
        default_in_memory_ttl, default_redis_ttl: Seconds that they keep a value when nobody says.
        default_redis_batch_cache_expiry, default_max_redis_batch_cache_size: Accepted.
    """

    def __init__(
        self,
        in_memory_cache: InMemoryCache | None = None,
        redis_cache: RedisCache | None = None,
        default_in_memory_ttl: float | None = None,
        default_redis_ttl: float | None = None,
        default_redis_batch_cache_expiry: float | None = None,
        default_max_redis_batch_cache_size: int = 1000,
    ) -> None:
        self.in_memory_cache = in_memory_cache or InMemoryCache()
        self.redis_cache = redis_cache
        self.default_in_memory_ttl = default_in_memory_ttl
        self.default_redis_ttl = default_redis_ttl

    def attach_redis_cache(self, redis_cache: RedisCache) -> None:
        """Put a Redis behind the memory."""
        self.redis_cache = redis_cache

    def update_cache_ttl(self, default_in_memory_ttl: float | None, default_redis_ttl: float | None) -> None:
        """Other seconds for values that nobody times."""
        self.default_in_memory_ttl = default_in_memory_ttl or self.default_in_memory_ttl
        self.default_redis_ttl = default_redis_ttl or self.default_redis_ttl

    def _memory_ttl(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        if kwargs.get("ttl") is None and self.default_in_memory_ttl is not None:
            return {**kwargs, "ttl": self.default_in_memory_ttl}
        return kwargs

    def set_cache(self, key: str, value: Any, local_only: bool = False, **kwargs: Any) -> None:
        """Keep a value; `ttl` among the keywords is in seconds."""
        self.in_memory_cache.set_cache(key, value, **self._memory_ttl(kwargs))
        if self.redis_cache is None or local_only:
            return
        if kwargs.get("ttl") is None and self.default_redis_ttl is not None:
            kwargs["ttl"] = self.default_redis_ttl
        try:
            self.redis_cache.set_cache(key, value, **kwargs)
        except Exception as error:
            _failed(error)

    def get_cache(
        self, key: str, parent_otel_span: Any = None, local_only: bool = False, **kwargs: Any
    ) -> Any:
        """The value under a key; None when it is not there."""
        value = self.in_memory_cache.get_cache(key)
        if value is not None or self.redis_cache is None or local_only:
            return value
        try:
            value = self.redis_cache.get_cache(key)
        except Exception as error:
            _failed(error)
            return None
        if value is not None:
            self.in_memory_cache.set_cache(key, value, **self._memory_ttl(kwargs))
        return value

    async def async_set_cache(self, key: str, value: Any, local_only: bool = False, **kwargs: Any) -> None:
        """`set_cache`, for asyncio."""
        if self.redis_cache is None or local_only:
            return self.set_cache(key, value, True, **kwargs)
        return await in_thread(self.set_cache, key, value, local_only, **kwargs)

    async def async_get_cache(
        self, key: str, parent_otel_span: Any = None, local_only: bool = False, **kwargs: Any
    ) -> Any:
        """`get_cache`, for asyncio."""
        value = self.in_memory_cache.get_cache(key)
        if value is not None or self.redis_cache is None or local_only:
            return value
        return await in_thread(self.get_cache, key, **kwargs)

    def delete_cache(self, key: str) -> None:
        """Forget what is under a key."""
        self.in_memory_cache.delete_cache(key)
        if self.redis_cache is not None:
            self.redis_cache.delete_cache(key)

    def flush_cache(self) -> None:
        """Forget everything."""
        self.in_memory_cache.flush_cache()
        if self.redis_cache is not None:
            self.redis_cache.flush_cache()


def _failed(error: Exception) -> None:
    from ferrolite._logging import verbose_logger

    verbose_logger.warning("cache: Redis cannot be used, memory serves on: %s", error)

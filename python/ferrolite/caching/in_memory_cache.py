"""Values in this process's memory, as the objects they are."""

from __future__ import annotations

import time
from threading import RLock

from ferrolite.caching.base_cache import BaseCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class InMemoryCache(BaseCache):
    """A bounded number of values.

    Args:
        max_size_in_memory: The most values; the oldest make room.
        default_ttl: Seconds that a value is kept when nobody says.
        max_size_per_item: Kilobytes; of texts and bytes, longer ones are not kept.
        clock: What tells the time, in seconds.
    """

    def __init__(
        self,
        max_size_in_memory: int | None = 200,
        default_ttl: int | None = 600,
        max_size_per_item: int | None = 1024,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.max_size_in_memory = max_size_in_memory or 200
        self.default_ttl = default_ttl or 600
        self.max_size_per_item = max_size_per_item or 1024
        self.cache_dict: dict[str, Any] = {}
        self.ttl_dict: dict[str, float] = {}
        self._clock = clock or time.time
        self._lock = RLock()

    def check_value_size(self, value: Any) -> bool:
        """Whether a value is small enough to be kept."""
        return not isinstance(value, (str, bytes)) or len(value) <= self.max_size_per_item * 1024

    def set_cache(self, key: str, value: Any, **kwargs: Any) -> None:
        """Keep a value; `ttl` among the keywords is in seconds."""
        with self._lock:
            self._set(key, value, kwargs)

    def _set(self, key: str, value: Any, kwargs: dict[str, Any]) -> None:
        if not self.check_value_size(value):
            return
        if key not in self.cache_dict and len(self.cache_dict) >= self.max_size_in_memory:
            self.evict_cache()
        self.cache_dict[key] = value
        ttl = self.get_ttl_of(kwargs)
        if ttl is not None:
            self.ttl_dict[key] = self._clock() + ttl

    def get_ttl_of(self, kwargs: dict[str, Any]) -> float | None:
        """The seconds that a value is kept with these keywords."""
        return super().get_ttl(**kwargs)

    def evict_cache(self) -> None:
        """Drop what has aged; and while there is no room, what would age first."""
        with self._lock:
            for key in [key for key in self.ttl_dict if self._is_key_expired(key)]:
                self._remove_key(key)
            while len(self.cache_dict) >= self.max_size_in_memory:
                self._remove_key(min(self.cache_dict, key=lambda key: self.ttl_dict.get(key, float("inf"))))

    def _is_key_expired(self, key: str) -> bool:
        return self.ttl_dict.get(key, float("inf")) <= self._clock()

    def _remove_key(self, key: str) -> None:
        self.cache_dict.pop(key, None)
        self.ttl_dict.pop(key, None)

    def get_cache(self, key: str, **kwargs: Any) -> Any:
        """The value under a key; None when it is not there."""
        with self._lock:
            if key in self.cache_dict:
                if not self._is_key_expired(key):
                    return self.cache_dict.get(key)
                self._remove_key(key)
            return None

    async def async_set_cache(self, key: str, value: Any, **kwargs: Any) -> None:
        """`set_cache`, for asyncio."""
        self.set_cache(key, value, **kwargs)

    async def async_get_cache(self, key: str, **kwargs: Any) -> Any:
        """`get_cache`, for asyncio."""
        return self.get_cache(key, **kwargs)

    def increment_cache(self, key: str, value: float, **kwargs: Any) -> float:
        """Add to a number that is kept, which begins at 0; gives the sum."""
        with self._lock:
            total = (self.get_cache(key) or 0) + value
            self._set(key, total, kwargs)
            return total

    async def async_increment(self, key: str, value: float, **kwargs: Any) -> float:
        """`increment_cache`, for asyncio."""
        return self.increment_cache(key, value, **kwargs)

    def get_ttl(self, key: Any = None, **kwargs: Any) -> Any:
        """When the value ages, in seconds since the epoch; None for one that does not, or is not there."""
        return self.get_ttl_of(kwargs) if key is None else self.ttl_dict.get(key)

    async def async_get_ttl(self, key: str) -> float | None:
        """`get_ttl`, for asyncio."""
        return self.ttl_dict.get(key)

    def delete_cache(self, key: str) -> None:
        """Forget what is under a key."""
        with self._lock:
            self._remove_key(key)

    def flush_cache(self) -> None:
        """Forget everything."""
        with self._lock:
            self.cache_dict.clear()
            self.ttl_dict.clear()

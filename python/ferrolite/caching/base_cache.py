"""What every store of a cache offers. A program's own store is a subclass, given to `Cache(_backend=…)`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class BaseCache:
    """Values by key. Subclasses override at least `get_cache` and `set_cache`."""

    def __init__(self, default_ttl: int = 60) -> None:
        """default_ttl: seconds that a value is kept when nobody says."""
        self.default_ttl: float | None = default_ttl

    def get_ttl(self, **kwargs: Any) -> float | None:
        """The seconds that a value is kept: `ttl` among the keywords, else the store's default."""
        ttl: Any = kwargs.get("ttl")
        if ttl is None:
            return self.default_ttl
        try:
            return float(ttl)
        except (TypeError, ValueError):
            return self.default_ttl

    def set_cache(self, key: str, value: Any, **kwargs: Any) -> None:
        """Keep a value; `ttl` among the keywords is in seconds."""
        raise NotImplementedError

    def get_cache(self, key: str, **kwargs: Any) -> Any:
        """The value under a key; None when it is not there."""
        raise NotImplementedError

    async def async_set_cache(self, key: str, value: Any, **kwargs: Any) -> None:
        """`set_cache`, for asyncio."""
        return await in_thread(self.set_cache, key, value, **kwargs)

    async def async_get_cache(self, key: str, **kwargs: Any) -> Any:
        """`get_cache`, for asyncio."""
        return await in_thread(self.get_cache, key, **kwargs)

    async def async_set_cache_pipeline(self, cache_list: list[tuple[str, Any]], **kwargs: Any) -> None:
        """Several pairs of key and value."""
        for key, value in cache_list:
            await self.async_set_cache(key, value, **kwargs)

    async def batch_cache_write(self, key: str, value: Any, **kwargs: Any) -> None:
        """`async_set_cache`; nothing is gathered."""
        await self.async_set_cache(key, value, **kwargs)

    def batch_get_cache(self, keys: list[str], **kwargs: Any) -> list[Any]:
        """The values of several keys, in their order."""
        return [self.get_cache(key, **kwargs) for key in keys]

    async def async_batch_get_cache(self, keys: list[str], **kwargs: Any) -> list[Any]:
        """`batch_get_cache`, for asyncio."""
        return [await self.async_get_cache(key, **kwargs) for key in keys]

    def delete_cache(self, key: str) -> None:
        """Forget what is under a key."""
        raise NotImplementedError

    async def async_delete_cache(self, key: str) -> None:
        """`delete_cache`, for asyncio."""
        await in_thread(self.delete_cache, key)

    def flush_cache(self) -> None:
        """Forget everything."""
        raise NotImplementedError

    async def async_flush_cache(self) -> None:
        """`flush_cache`, for asyncio."""
        await in_thread(self.flush_cache)

    async def disconnect(self) -> None:
        """Let go of connections."""

    async def test_connection(self) -> dict[str, Any]:
        """Whether the store can be reached: {"status": "success" or "failed", "message": …}."""
        return {"status": "success", "message": "the store can be reached"}


async def in_thread(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Run what may wait, without holding up the event loop."""
    from asyncio import to_thread

    return await to_thread(function, *args, **kwargs)

"""Stores of the core, with the reference's methods: values are kept as JSON."""

from __future__ import annotations

import json

from ferrolite import _core
from ferrolite.caching.base_cache import BaseCache, in_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class CoreStore(BaseCache):
    """A store of the core.

    Args:
        core: The store, made by `Cache`; or None to make one of `spec`.
        spec: What the core's description of a cache takes.
    """

    default_ttl: float | None = None
    namespace: str | None = None

    def __init__(self, core: _core.CoreCache | None = None, **spec: Any) -> None:
        self._core = core or _core.CoreCache(given(spec))

    def _key(self, key: str) -> str:
        namespace = self.namespace
        return key if not namespace or key.startswith(f"{namespace}:") else f"{namespace}:{key}"

    def set_cache(self, key: str, value: Any, **kwargs: Any) -> None:
        """Keep a value that JSON can say; of any other, its text. `ttl` is in seconds."""
        self._core.set([(self._key(key), dumped(value))], self.get_ttl(**kwargs))

    def get_cache(self, key: str, **kwargs: Any) -> Any:
        """The value; None when it is not there."""
        return loaded(self._core.get([self._key(key)])[0])

    def batch_get_cache(self, keys: list[str], **kwargs: Any) -> Any:
        """The values of several keys, in their order."""
        return [loaded(value) for value in self._core.get([self._key(key) for key in keys])]

    async def async_batch_get_cache(self, keys: list[str], **kwargs: Any) -> Any:
        """`batch_get_cache`, for asyncio."""
        return await in_thread(self.batch_get_cache, keys, **kwargs)

    async def async_set_cache_pipeline(self, cache_list: list[tuple[str, Any]], **kwargs: Any) -> None:
        """Several pairs of key and value."""
        values = [(self._key(key), dumped(value)) for key, value in cache_list]
        await in_thread(self._core.set, values, self.get_ttl(**kwargs))

    def delete_cache(self, key: str) -> None:
        """Forget what is under a key."""
        self._core.delete([self._key(key)])

    def delete_cache_keys(self, keys: list[str]) -> None:
        """Forget what is under several keys."""
        self._core.delete([self._key(key) for key in keys])

    def flush_cache(self) -> None:
        """Forget everything."""
        self._core.clear()

    def sync_ping(self) -> bool:
        """Raises what is wrong when the store cannot be reached."""
        self._core.ping()
        return True

    async def ping(self) -> bool:
        """Whether the store can be reached; raises what is wrong."""
        return await in_thread(self.sync_ping)

    async def test_connection(self) -> dict[str, Any]:
        """Whether the store can be reached, in words."""
        try:
            await self.ping()
        except Exception as error:
            return {"status": "failed", "message": str(error), "error": str(error)}
        return {"status": "success", "message": "the store can be reached"}


def given(spec: dict[str, Any]) -> dict[str, Any]:
    """What is said of a description."""
    return {name: value for name, value in spec.items() if value is not None}


def dumped(value: Any) -> bytes:
    dump = getattr(value, "model_dump_json", None)
    if dump is not None:
        return dump().encode()
    try:
        return json.dumps(value).encode()
    except (TypeError, ValueError):
        return json.dumps(str(value)).encode()


def loaded(value: bytes | None) -> Any:
    if value is None:
        return None
    try:
        return json.loads(value)
    except ValueError:
        return value.decode("utf-8", "replace")

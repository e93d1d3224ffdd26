"""What `Cache().cache` is: memory that the core looks after, with the methods of `InMemoryCache`."""

from __future__ import annotations

from ferrolite.caching._core_store import CoreStore
from ferrolite.caching.in_memory_cache import InMemoryCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite import _core


class LocalStore(CoreStore, InMemoryCache):
    """Bounded by bytes; values are kept as JSON."""

    def __init__(self, core: _core.CoreCache) -> None:
        InMemoryCache.__init__(self)
        self._core = core

    get_ttl = InMemoryCache.get_ttl
    set_cache = CoreStore.set_cache

    def _set(self, key: str, value: Any, kwargs: dict[str, Any]) -> None:
        self.set_cache(key, value, **kwargs)

"""Values in a cluster of Redis servers."""

from __future__ import annotations

from ferrolite.caching.redis_cache import RedisCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class RedisClusterCache(RedisCache):
    """`RedisCache` with `startup_nodes`. `max_connections` and `connection_gate` are accepted: one serves all."""

    def __init__(
        self, *args: Any, max_connections: object = None, connection_gate: object = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)

"""Values in Redis."""

from __future__ import annotations

from ferrolite.caching._core_store import CoreStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PASSED = (
    "db",
    "ssl",
    "ssl_ca_certs",
    "ssl_certfile",
    "ssl_keyfile",
    "url",
    "username",
)


def redis_spec(kwargs: dict[str, Any]) -> dict[str, Any]:
    """How the core's description calls what a Redis client takes. What else there is says nothing to it.

    Raises:
        ValueError: For a way to prove who asks that is not there.
    """
    if kwargs.get("gcp_service_account"):
        raise ValueError(
            "gcp_service_account: Google's tokens are no passwords for Redis here; give a `password` or a `url`"
        )
    spec: dict[str, Any] = {name: kwargs.get(name) for name in _PASSED}
    spec["url"] = spec["url"] or kwargs.get("redis_url")
    if str(kwargs.get("ssl_cert_reqs") or "").lower() in ("none", "cert_none", "0"):
        spec["ssl_verify"] = False
    return spec


class RedisCache(CoreStore):
    """A server, or a cluster of them.

    Args:
        host, port, password: Where the server is; the environment's `REDIS_URL`, or `REDIS_HOST` and so on, else.
        namespace: In front of all keys.
        startup_nodes: Servers of a cluster: dicts of `host` and `port`.
        socket_timeout: Seconds for a connection or an answer.
        **kwargs: `url`, `username`, `db`, `ssl`, `ssl_ca_certs`, `ssl_cert_reqs`, `ssl_certfile`, `ssl_keyfile`.
            `redis_flush_size` is accepted: writes need no gathering.
    """

    def __init__(
        self,
        host: str | None = None,
        port: str | int | None = None,
        password: str | None = None,
        redis_flush_size: int | None = 100,
        namespace: str | None = None,
        startup_nodes: list[dict[str, Any]] | None = None,
        socket_timeout: float | None = 5.0,
        **kwargs: Any,
    ) -> None:
        core = kwargs.pop("_core", None)
        self.namespace = namespace
        self.redis_flush_size = redis_flush_size
        super().__init__(
            core,
            type="redis",
            host=host,
            port=None if port is None else int(port),
            password=password,
            startup_nodes=startup_nodes,
            socket_timeout=socket_timeout,
            **redis_spec(kwargs),
        )

    def check_and_fix_namespace(self, key: str) -> str:
        """The key with the namespace in front."""
        return self._key(key)

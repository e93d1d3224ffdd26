"""The cache of answers: what a program sets as `ferrolite.cache`."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from weakref import WeakSet

from ferrolite import _core
from ferrolite.types.caching import CACHED_CALLS, CacheMode, LiteLLMCacheType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.caching.base_cache import BaseCache

_settings = sys.modules["ferrolite"].__dict__

_HOOKS = (
    "add_cache",
    "async_add_cache",
    "async_get_cache",
    "get_cache",
    "get_cache_key",
    "should_use_cache",
)
"""What a program may put something of its own in the place of; calls then ask the cache in Python."""
_DESCRIBED = ("mode", "namespace", "supported_call_types", "ttl")
_EXIT_LIMIT = 2.0
"""Seconds that a program's end waits for answers that are being written."""
_WORDS = ("cache", "caching", "litellm_call_id", "metadata", "preset_cache_key", "ttl")
"""Keywords that have no part in a key."""


class Cache:
    """Keeps answers, so that the same question is asked once.

    Args:
        type: Where: "local" (memory), "disk", "redis", "s3", "gcs", "azure-blob"; or by what a question means:
            "redis-semantic", "valkey-semantic", "qdrant-semantic".
        mode: "default_on", or "default_off": only calls with `cache={"use-cache": True}`.
        host, port, password: Where Redis is; the environment's `REDIS_URL`, or `REDIS_HOST` and so on, else.
        namespace: In front of all keys.
        ttl: Seconds that an answer is kept. By default ten minutes in memory, and elsewhere without end.
        default_in_memory_ttl, default_in_redis_ttl: The same for one kind of store.
        similarity_threshold: From 0 to 1; the least similarity of questions that mean the same.
        supported_call_types: The functions whose answers are kept.
        disk_cache_dir: The directory of "disk"; `.ferrolite_cache` by default.
        semantic_cache_scope: Accepted; questions are compared with those asked under the same conditions.
        _backend: A store of a program's own, a `BaseCache`.
        **kwargs: `max_bytes`, the most that memory or disk keep; `time_limit`, the seconds that a call waits for the
            store (2); for Redis `url`, `username`, `db`, `ssl`, `ssl_ca_certs`, `ssl_cert_reqs`, `ssl_certfile`,
            `ssl_keyfile`, `socket_timeout`.

    Raises:
        BadRequestError: It cannot be set up as it is described; the message says why. Nothing is reached yet.
    """

    _core: _core.CoreCache | None = None
    """The core's cache, when calls may ask it by themselves."""

    def __init__(
        self,
        type: LiteLLMCacheType | str | None = LiteLLMCacheType.LOCAL,
        mode: CacheMode | str | None = CacheMode.default_on,
        host: str | None = None,
        port: str | None = None,
        password: str | None = None,
        namespace: str | None = None,
        ttl: float | None = None,
        default_in_memory_ttl: float | None = None,
        default_in_redis_ttl: float | None = None,
        similarity_threshold: float | None = None,
        supported_call_types: list[str] | None = list(CACHED_CALLS),  # noqa: B006 - the reference's default; copied
        azure_account_url: str | None = None,
        azure_blob_container: str | None = None,
        s3_bucket_name: str | None = None,
        s3_region_name: str | None = None,
        s3_api_version: str | None = None,
        s3_use_ssl: bool | None = True,
        s3_verify: bool | str | None = None,
        s3_endpoint_url: str | None = None,
        s3_aws_access_key_id: str | None = None,
        s3_aws_secret_access_key: str | None = None,
        s3_aws_session_token: str | None = None,
        s3_config: Any = None,
        s3_path: str | None = None,
        gcs_bucket_name: str | None = None,
        gcs_path_service_account: str | None = None,
        gcs_path: str | None = None,
        redis_semantic_cache_embedding_model: str = "text-embedding-ada-002",
        redis_semantic_cache_index_name: str | None = None,
        valkey_semantic_cache_embedding_model: str = "text-embedding-ada-002",
        valkey_semantic_cache_index_name: str | None = None,
        redis_flush_size: int | None = None,
        redis_startup_nodes: list[Any] | None = None,
        disk_cache_dir: str | None = None,
        qdrant_api_base: str | None = None,
        qdrant_api_key: str | None = None,
        qdrant_collection_name: str | None = None,
        qdrant_quantization_config: str | None = None,
        qdrant_semantic_cache_embedding_model: str = "text-embedding-ada-002",
        qdrant_semantic_cache_vector_size: int | None = None,
        semantic_cache_embedding_max_input_tokens: int | None = None,
        semantic_cache_embedding_timeout: float | None = None,
        semantic_cache_scope: str = "key",
        max_messages: int | None = 4,
        gcp_service_account: str | None = None,
        gcp_ssl_ca_certs: str | None = None,
        _backend: BaseCache | None = None,
        **kwargs: Any,
    ) -> None:
        kind = LiteLLMCacheType(type or LiteLLMCacheType.LOCAL)
        self.type = kind
        self.mode = CacheMode(mode or CacheMode.default_on)
        self.namespace = namespace
        self.ttl = ttl
        self.supported_call_types = None if supported_call_types is None else list(supported_call_types)
        self.redis_flush_size = redis_flush_size
        self.semantic_cache_scope = semantic_cache_scope
        self.max_messages = max_messages
        spec: dict[str, Any] = {
            "type": kind.value,
            "default_in_memory_ttl": default_in_memory_ttl or _settings["default_in_memory_ttl"],
            "default_in_redis_ttl": default_in_redis_ttl or _settings["default_redis_ttl"],
            "time_limit": kwargs.pop("time_limit", None),
            "max_bytes": kwargs.pop("max_bytes", None),
        }
        if kind is LiteLLMCacheType.DISK:
            spec["disk_cache_dir"] = disk_cache_dir
        elif kind is LiteLLMCacheType.S3:
            from ferrolite.caching.s3_cache import s3_spec

            spec |= s3_spec(
                s3_bucket_name,
                s3_region_name,
                s3_use_ssl,
                s3_verify,
                s3_endpoint_url,
                s3_aws_access_key_id,
                s3_aws_secret_access_key,
                s3_aws_session_token,
                s3_path,
            )
        elif kind is LiteLLMCacheType.GCS:
            spec["bucket"] = gcs_bucket_name
            spec["path_service_account"] = gcs_path_service_account
            spec["path"] = gcs_path
        elif kind is LiteLLMCacheType.AZURE_BLOB:
            spec["account_url"] = azure_account_url
            spec["container"] = azure_blob_container
        elif kind is LiteLLMCacheType.QDRANT_SEMANTIC:
            spec["qdrant_api_base"] = qdrant_api_base
            spec["qdrant_api_key"] = qdrant_api_key
            spec["collection_name"] = qdrant_collection_name
            spec["quantization_config"] = qdrant_quantization_config
            spec["embedding_model"] = qdrant_semantic_cache_embedding_model
            spec["vector_size"] = qdrant_semantic_cache_vector_size
        elif kind in (
            LiteLLMCacheType.REDIS,
            LiteLLMCacheType.REDIS_SEMANTIC,
            LiteLLMCacheType.VALKEY_SEMANTIC,
        ):
            from ferrolite.caching.redis_cache import redis_spec

            spec |= redis_spec({**kwargs, "gcp_service_account": gcp_service_account})
            spec["host"] = host
            spec["port"] = None if port is None else int(port)
            spec["password"] = password
            spec["startup_nodes"] = redis_startup_nodes or kwargs.get("startup_nodes")
            spec["socket_timeout"] = kwargs.get("socket_timeout")
            is_valkey = kind is LiteLLMCacheType.VALKEY_SEMANTIC
            spec["index_name"] = (
                valkey_semantic_cache_index_name if is_valkey else redis_semantic_cache_index_name
            )
            spec["embedding_model"] = (
                valkey_semantic_cache_embedding_model if is_valkey else redis_semantic_cache_embedding_model
            )
        spec["similarity_threshold"] = similarity_threshold
        spec["embedding_timeout"] = semantic_cache_embedding_timeout
        self._spec = spec
        self._own = None if _backend is not None else _core.CoreCache(self._described())
        self.cache: Any = _backend if self._own is None else _face(kind, self._own, namespace)
        self._face = self.cache
        self._settle()
        if self._own is not None and kind is not LiteLLMCacheType.LOCAL:
            _written_at_exit(self)

    def _described(self) -> dict[str, Any]:
        from ferrolite.caching._core_store import given

        said = {name: getattr(self, name) for name in _DESCRIBED}
        said["mode"] = CacheMode(said["mode"] or CacheMode.default_on).value
        return given({**self._spec, **said})

    def _settle(self) -> None:
        """Decide whether calls may ask the core's cache by themselves."""
        own = type(self) is Cache or all(getattr(type(self), name) is getattr(Cache, name) for name in _HOOKS)
        own = own and not any(name in self.__dict__ for name in _HOOKS) and self.cache is self._face
        self.__dict__["_core"] = self._own if own else None

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value
        if "_face" not in self.__dict__:
            return
        if name in _DESCRIBED and self._own is not None:
            self._own.configure(self._described())
        elif name == "cache" or name in _HOOKS:
            self._settle()

    def __delattr__(self, name: str) -> None:
        del self.__dict__[name]
        self._settle()

    # Keys

    def get_cache_key(self, **kwargs: Any) -> str:
        """The key of a call with these keywords: of its type, who is asked and where, and all that is sent."""
        preset: Any = kwargs.get("preset_cache_key")
        if preset:
            return preset
        maker = self._own or _key_maker()
        try:
            key = maker.key({"kwargs": dict(kwargs)}, _settings, _call_type(kwargs))
        except Exception:
            key = (
                None  # who is asked is not said, or its key is not there: then the keywords themselves count
            )
        return key or _hash(kwargs, self._namespace(kwargs))

    def _namespace(self, kwargs: dict[str, Any]) -> str | None:
        said = _said(kwargs).get("namespace")
        return said if isinstance(said, str) else self.namespace

    # Answers

    def should_use_cache(self, **kwargs: Any) -> bool:
        """Whether a call with these keywords has to do with the cache."""
        if kwargs.get("caching") is False:
            return False
        return self.mode is not CacheMode.default_off or _said(kwargs).get("use-cache") is True

    def get_cache(self, dynamic_cache_object: BaseCache | None = None, **kwargs: Any) -> Any:
        """The answer to a call with these keywords, as a dict; None when there is none.

        Args:
            dynamic_cache_object: Another store to look into.
        """
        if not self.should_use_cache(**kwargs):
            return None
        key, max_age = self.get_cache_key(**kwargs), _max_age(kwargs)
        if dynamic_cache_object is None and self._core is not None:
            return _dict(self._core.find(key, max_age))
        store: Any = dynamic_cache_object or self.cache
        return _young(store.get_cache(key, messages=kwargs.get("messages") or []), max_age)

    async def async_get_cache(self, dynamic_cache_object: BaseCache | None = None, **kwargs: Any) -> Any:
        """`get_cache`, for asyncio."""
        if dynamic_cache_object is None and self._core is not None:
            from ferrolite.caching.base_cache import in_thread

            return await in_thread(self.get_cache, **kwargs)
        if not self.should_use_cache(**kwargs):
            return None
        key, store = self.get_cache_key(**kwargs), dynamic_cache_object or self.cache
        found: Any = await store.async_get_cache(key, messages=kwargs.get("messages") or [])
        return _young(found, _max_age(kwargs))

    def add_cache(self, result: Any, **kwargs: Any) -> None:
        """Keep the answer to a call with these keywords: an object of the package, or a dict."""
        if not self.should_use_cache(**kwargs):
            return
        key, ttl = self.get_cache_key(**kwargs), self._ttl(kwargs)
        if self._core is not None:
            self._core.keep(key, _dict(result), _call_type(kwargs) is None, ttl)
            return
        self.cache.set_cache(key, _entry(result), **_timed(ttl), messages=kwargs.get("messages") or [])

    async def async_add_cache(
        self, result: Any, dynamic_cache_object: BaseCache | None = None, **kwargs: Any
    ) -> None:
        """`add_cache`, for asyncio."""
        if dynamic_cache_object is None and self._core is not None:
            self.add_cache(result, **kwargs)
        elif self.should_use_cache(**kwargs):
            key, store = self.get_cache_key(**kwargs), dynamic_cache_object or self.cache
            more: dict[str, Any] = {**_timed(self._ttl(kwargs)), "messages": kwargs.get("messages") or []}
            await store.async_set_cache(key, _entry(result), **more)

    def _ttl(self, kwargs: dict[str, Any]) -> float | None:
        said = _said(kwargs).get("ttl")
        return self.ttl if said is None else float(said)

    # The store

    async def ping(self) -> Any:
        """Whether the store can be reached; raises what is wrong."""
        ping = getattr(self.cache, "ping", None)
        return None if ping is None else await ping()

    async def delete_cache_keys(self, keys: list[str]) -> Any:
        """Forget what is kept under these keys."""
        from ferrolite.caching.base_cache import in_thread

        if self._own is not None and self.cache is self._face:
            await in_thread(self._own.delete, keys)
        else:
            for key in keys:
                self.cache.delete_cache(key)

    async def disconnect(self) -> None:
        """Wait until what was kept has been written."""
        if self._own is not None:
            from ferrolite.caching.base_cache import in_thread

            await in_thread(self._flush, _EXIT_LIMIT)
        if hasattr(self.cache, "disconnect"):
            await self.cache.disconnect()

    def _flush(self, seconds: float) -> None:
        if self._own is not None:
            self._own.flush(seconds)


def enable_cache(
    type: LiteLLMCacheType | str | None = LiteLLMCacheType.LOCAL,
    host: str | None = None,
    port: str | None = None,
    password: str | None = None,
    supported_call_types: list[str] | None = list(CACHED_CALLS),  # noqa: B006 - the reference's default; copied
    **kwargs: Any,
) -> None:
    """Set `ferrolite.cache`, unless there is one. Parameters as `Cache` has them."""
    if _settings["cache"] is None:
        update_cache(type, host, port, password, supported_call_types, **kwargs)


def update_cache(
    type: LiteLLMCacheType | str | None = LiteLLMCacheType.LOCAL,
    host: str | None = None,
    port: str | None = None,
    password: str | None = None,
    supported_call_types: list[str] | None = list(CACHED_CALLS),  # noqa: B006 - the reference's default; copied
    **kwargs: Any,
) -> None:
    """Set `ferrolite.cache` anew. Parameters as `Cache` has them."""
    _settings["cache"] = Cache(
        type=type,
        host=host,
        port=port,
        password=password,
        supported_call_types=supported_call_types,
        **kwargs,
    )


def disable_cache() -> None:
    """Cache no more: `ferrolite.cache` is None."""
    _settings["cache"] = None


def _face(kind: LiteLLMCacheType, core: _core.CoreCache, namespace: str | None) -> Any:
    """The store with the class that the reference has for it, without making another connection."""
    from importlib import import_module

    from ferrolite.caching._local import LocalStore

    if kind is LiteLLMCacheType.LOCAL:
        return LocalStore(core)
    module, name = _FACES[kind]
    made = object.__new__(getattr(import_module(f"ferrolite.caching.{module}"), name))
    made._core = core
    made.namespace = namespace
    return made


_FACES = {
    LiteLLMCacheType.DISK: ("disk_cache", "DiskCache"),
    LiteLLMCacheType.REDIS: ("redis_cache", "RedisCache"),
    LiteLLMCacheType.REDIS_SEMANTIC: ("redis_semantic_cache", "RedisSemanticCache"),
    LiteLLMCacheType.VALKEY_SEMANTIC: ("valkey_semantic_cache", "ValkeySemanticCache"),
    LiteLLMCacheType.S3: ("s3_cache", "S3Cache"),
    LiteLLMCacheType.QDRANT_SEMANTIC: ("qdrant_semantic_cache", "QdrantSemanticCache"),
    LiteLLMCacheType.AZURE_BLOB: ("azure_blob_cache", "AzureBlobCache"),
    LiteLLMCacheType.GCS: ("gcs_cache", "GCSCache"),
}

_unwritten: WeakSet[Cache] = WeakSet()


def _written_at_exit(cache: Cache) -> None:
    if not _unwritten:
        import atexit

        atexit.register(_write_the_rest)
    _unwritten.add(cache)


def _write_the_rest() -> None:
    until = time.monotonic() + _EXIT_LIMIT
    for cache in list(_unwritten):
        cache._flush(max(0.0, until - time.monotonic()))  # pyright: ignore[reportPrivateUsage]


def _key_maker() -> _core.CoreCache:
    global _maker
    if _maker is None:
        _maker = _core.CoreCache({"type": "local", "max_bytes": 0})
    return _maker


_maker: _core.CoreCache | None = None


def _call_type(kwargs: dict[str, Any]) -> str | None:
    """The core's name of the kind of call that has these keywords; None for a chat completion."""
    if "messages" in kwargs:
        return None
    for name, call_type in (("query", "rerank"), ("file", "transcription"), ("prompt", "text_completion")):
        if name in kwargs:
            return call_type
    return "embedding" if "input" in kwargs else None


def _said(kwargs: dict[str, Any]) -> dict[str, Any]:
    said: Any = kwargs.get("cache")
    return dict(said) if isinstance(said, Mapping) else {}  # pyright: ignore[reportUnknownArgumentType]


def _max_age(kwargs: dict[str, Any]) -> float | None:
    said = _said(kwargs)
    age: Any = said.get("s-maxage", said.get("s-max-age"))
    return None if age is None else float(age)


def _timed(ttl: float | None) -> dict[str, Any]:
    return {} if ttl is None else {"ttl": ttl}


def _hash(kwargs: dict[str, Any], namespace: str | None) -> str:
    import hashlib
    import json

    said = {name: value for name, value in kwargs.items() if value is not None and name not in _WORDS}
    said = {name: value for name, value in said.items() if name == "model" or not _core.is_steering(name)}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()
    return f"{namespace}:{digest}" if namespace else digest


def _dict(result: Any) -> Any:
    dump = getattr(result, "model_dump", None)
    return result if dump is None else dump()


def _entry(result: Any) -> dict[str, Any]:
    """An answer as a store of a program's own keeps it."""
    dump = getattr(result, "model_dump_json", None)
    return {"timestamp": time.time(), "response": result if dump is None else dump()}


def _young(kept: Any, max_age: float | None) -> Any:
    """The answer of an entry, unless it is too old."""
    if not isinstance(kept, dict) or "timestamp" not in kept:
        return kept  # pyright: ignore[reportUnknownVariableType]
    entry: dict[str, Any] = kept  # pyright: ignore[reportUnknownVariableType]
    if max_age is not None and time.time() - entry["timestamp"] > max_age:
        return None
    response: Any = entry.get("response")
    if isinstance(response, str):
        import json

        try:
            return json.loads(response)
        except ValueError:
            return response
    return response

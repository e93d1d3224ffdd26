"""Caching of answers: `ferrolite.cache = Cache(...)`, and the stores that it keeps them in."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.caching.azure_blob_cache import AzureBlobCache as AzureBlobCache
    from ferrolite.caching.caching import Cache as Cache
    from ferrolite.caching.disk_cache import DiskCache as DiskCache
    from ferrolite.caching.dual_cache import DualCache as DualCache
    from ferrolite.caching.gcs_cache import GCSCache as GCSCache
    from ferrolite.caching.in_memory_cache import InMemoryCache as InMemoryCache
    from ferrolite.caching.qdrant_semantic_cache import QdrantSemanticCache as QdrantSemanticCache
    from ferrolite.caching.redis_cache import RedisCache as RedisCache
    from ferrolite.caching.redis_cluster_cache import RedisClusterCache as RedisClusterCache
    from ferrolite.caching.redis_semantic_cache import RedisSemanticCache as RedisSemanticCache
    from ferrolite.caching.s3_cache import S3Cache as S3Cache
    from ferrolite.types.caching import LiteLLMCacheType as LiteLLMCacheType

_HOME = {
    "AzureBlobCache": "caching.azure_blob_cache",
    "Cache": "caching.caching",
    "DiskCache": "caching.disk_cache",
    "DualCache": "caching.dual_cache",
    "GCSCache": "caching.gcs_cache",
    "InMemoryCache": "caching.in_memory_cache",
    "LiteLLMCacheType": "types.caching",
    "QdrantSemanticCache": "caching.qdrant_semantic_cache",
    "RedisCache": "caching.redis_cache",
    "RedisClusterCache": "caching.redis_cluster_cache",
    "RedisSemanticCache": "caching.redis_semantic_cache",
    "S3Cache": "caching.s3_cache",
}

_SUBMODULES = (
    "azure_blob_cache",
    "base_cache",
    "caching",
    "disk_cache",
    "dual_cache",
    "gcs_cache",
    "in_memory_cache",
    "qdrant_semantic_cache",
    "redis_cache",
    "redis_cluster_cache",
    "redis_semantic_cache",
    "s3_cache",
    "valkey_semantic_cache",
)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _SUBMODULES:
        return import_module(f"ferrolite.caching.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'ferrolite.caching' has no attribute {name!r}")
    value = getattr(import_module(f"ferrolite.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})

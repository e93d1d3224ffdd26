"""Names of what a cache can be."""

from __future__ import annotations

from enum import Enum


class LiteLLMCacheType(str, Enum):
    """Where a cache keeps its answers."""

    LOCAL = "local"
    DISK = "disk"
    REDIS = "redis"
    REDIS_SEMANTIC = "redis-semantic"
    VALKEY_SEMANTIC = "valkey-semantic"
    S3 = "s3"
    QDRANT_SEMANTIC = "qdrant-semantic"
    AZURE_BLOB = "azure-blob"
    GCS = "gcs"


class CacheMode(str, Enum):
    """Which calls are cached that do not say."""

    default_on = "default_on"
    default_off = "default_off"


CACHED_CALLS = (
    "completion",
    "acompletion",
    "embedding",
    "aembedding",
    "atranscription",
    "transcription",
    "atext_completion",
    "text_completion",
    "arerank",
    "rerank",
    "responses",
    "aresponses",
    "anthropic_messages",
    "aanthropic_messages",
)
"""The calls that can be cached, by the names of their functions."""

"""Answers to questions that mean the same, in Valkey with its search module."""

from __future__ import annotations

from ferrolite.caching.redis_semantic_cache import RedisSemanticCache


class ValkeySemanticCache(RedisSemanticCache):
    """Valkey speaks Redis' language."""

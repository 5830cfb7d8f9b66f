"""Caches expensive values that may be a minute old, for all processes. Nothing personal."""

from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache
from redis.exceptions import RedisError

Value = TypeVar("Value")


def cached(name: str, *, seconds: int, compute: Callable[[], Value]) -> Value:
    """What `compute` said within so many seconds. A cache that does not answer costs time and nothing else."""
    try:
        known: Value | None = cache.get(name)
    except RedisError:
        return compute()
    if known is None:
        known = compute()
        try:
            cache.set(name, known, seconds)
        except RedisError:
            return known
    return known

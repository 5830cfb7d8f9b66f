"""Caches expensive values that may be a minute old, for all processes. Nothing personal."""

from collections.abc import Callable, Mapping
from contextlib import suppress
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


def cached_each(wanted: Mapping[str, Callable[[], Value]], *, seconds: int) -> dict[str, Value]:
    """The same of several by name, in one round trip where all of them are known."""
    try:
        known: dict[str, Value] = cache.get_many(wanted)
    except RedisError:
        return {name: compute() for name, compute in wanted.items()}
    missing = {name: compute() for name, compute in wanted.items() if name not in known}
    if missing:
        with suppress(RedisError):
            cache.set_many(missing, seconds)
    return {name: (known | missing)[name] for name in wanted}

"""Differences between two configurations, field by field, as an audit event holds them."""

from collections.abc import Collection, Mapping
from typing import Any

# Field -> [old, new]; None where only that it changed is told: a secret, or words of a person.
Changes = dict[str, list[Any] | None]


def between(before: Mapping[str, Any], after: Mapping[str, Any], *, untold: Collection[str] = ()) -> Changes:
    """The fields in which two states differ, by name. Of those `untold` the values stay out of the trail."""
    changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    return {name: None if name in untold else [before.get(name), after.get(name)] for name in changed}

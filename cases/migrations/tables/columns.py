"""Columns that many tables have."""

import uuid
from typing import Any, Final

from django.conf import settings
from django.db import models

USER: Final = settings.AUTH_USER_MODEL
# Fields of a migration are copied wherever they are used, so that several tables may share one.
BIG_ID: Final = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
UUID_ID: Final = models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)


def link(to: str, related_name: str = "+", **more: Any) -> models.ForeignKey[Any, Any]:
    """A link to a row, which cannot be deleted while anything links to it."""
    return models.ForeignKey(on_delete=models.PROTECT, related_name=related_name, to=to, **more)


def only_link(to: str, related_name: str = "+", **more: Any) -> models.OneToOneField[Any, Any]:
    """The same for a row that one row at most links to."""
    return models.OneToOneField(on_delete=models.PROTECT, related_name=related_name, to=to, **more)


def values(choices: list[tuple[str, str]]) -> list[str]:
    """Of choices what is stored."""
    return [value for value, _label in choices]

"""Words that a team sorts its cases by."""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Lower


class Tag(models.Model):
    """One word for cases; made when it is first used. Shown in lists and addresses: nothing personal."""

    name = models.CharField(max_length=40)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(Lower("name"), name="tag_name_once")]

    def __str__(self) -> str:
        return self.name

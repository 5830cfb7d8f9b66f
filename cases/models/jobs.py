"""The jobs page's place among the models: the jobs themselves are in the queue store."""

from typing import Any, ClassVar

from django.db import models


class Jobs(models.Model):
    """Has no table: it is there for its two permissions, and so that the admin lists the page."""

    class Meta:
        managed = False
        default_permissions = ()
        verbose_name = verbose_name_plural = "jobs"
        permissions: ClassVar[list[Any]] = [
            ("view_jobs", "Can look at queues, workers and failed jobs"),
            ("requeue_jobs", "Can have failed jobs run again"),
        ]

    def __str__(self) -> str:
        return "jobs"

"""The jobs page's place among the models: the jobs themselves are in the queue store."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy, gettext_noop


class Jobs(models.Model):
    """Has no table: it is there for its two permissions, and so that the admin lists the page."""

    class Meta:
        verbose_name = verbose_name_plural = gettext_lazy("jobs")
        managed = False
        default_permissions = ()
        permissions: ClassVar[list[Any]] = [
            ("view_jobs", gettext_noop("Can view queues, workers and failed jobs")),
            ("requeue_jobs", gettext_noop("Can run failed jobs again")),
        ]

    def __str__(self) -> str:
        return "jobs"

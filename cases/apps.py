"""The app `cases`."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy


class CasesConfig(AppConfig):
    name = "cases"
    verbose_name = gettext_lazy("Cases")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cases import signals  # noqa: F401  (connects them)
        from cases.roles import make_roles

        # After django.contrib.auth has made this app's permissions: its own receiver was connected first.
        post_migrate.connect(make_roles, sender=self)

"""The app `dsrportal`."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin
from django.utils.translation import gettext_lazy


class DsrPortalConfig(AppConfig):
    name = "dsrportal"
    verbose_name = gettext_lazy("Portal")
    default_auto_field = "django.db.models.BigAutoField"
    default = True  # of the two in this file, for whoever says just "dsrportal"

    def ready(self) -> None:
        from dsrportal import checks  # noqa: F401  (registers them)


class DeskConfig(admin.AdminConfig):
    """Django's admin, with our own site as the default one."""

    default = False
    default_site = "cases.desk.DeskSite"

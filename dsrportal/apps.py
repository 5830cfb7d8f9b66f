from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class DsrPortalConfig(AppConfig):
    name = "dsrportal"
    verbose_name = "Portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from dsrportal import checks  # noqa: F401  (registers them)


class DeskConfig(AdminConfig):
    """Django's admin, with our own site as the default one."""

    default_site = "cases.admin.site.DeskSite"

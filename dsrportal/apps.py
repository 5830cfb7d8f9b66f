from django.apps import AppConfig


class DsrPortalConfig(AppConfig):
    name = "dsrportal"
    verbose_name = "Portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from dsrportal import checks  # noqa: F401  (registers them)

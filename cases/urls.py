"""Public addresses."""

from django.urls import path, re_path

from cases import views

urlpatterns = [
    # With and without a trailing slash, never a redirect: a sender may not follow one (OpenDSR 8.8).
    re_path(
        r"^opendsr/callbacks/(?P<token>[!-.0-~]{1,200}?)/?$",
        views.opendsr_callback,
        name="opendsr-callback",
    ),
    path("confirm/done/", views.email_confirmed, name="email-confirmed"),
    re_path(r"^confirm/(?P<token>[^/]{1,300})/?$", views.confirm_email, name="confirm-email"),
    # For forms of our own: see cases/views/openapi.py, which is also what they are told.
    path("api/v1/cases", views.open_case, name="intake-cases"),
    path("api/v1/cases/<str:reference>", views.one_case, name="intake-case"),
    path("api/v1/openapi.json", views.openapi, name="intake-openapi"),
    # Answered ahead of sessions and the like: see dsrportal/probes.py.
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
]

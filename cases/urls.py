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
    # Answered ahead of sessions and the like: see dsrportal/probes.py.
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
]

"""Public views: callbacks, a person's confirmation, the intake API, and the addresses for probes."""

from cases.views.callbacks import CALLBACK_LIMIT_BYTES, opendsr_callback
from cases.views.confirmation import confirm_email, email_confirmed
from cases.views.intake import one_case, open_case
from cases.views.openapi import openapi
from cases.views.probes import healthz, readyz

__all__ = [
    "CALLBACK_LIMIT_BYTES",
    "confirm_email",
    "email_confirmed",
    "healthz",
    "one_case",
    "open_case",
    "openapi",
    "opendsr_callback",
    "readyz",
]

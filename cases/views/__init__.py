"""What is public: callbacks, the intake API, and the addresses for probes."""

from cases.views.callbacks import CALLBACK_LIMIT_BYTES, opendsr_callback
from cases.views.intake import one_case, open_case
from cases.views.openapi import openapi
from cases.views.probes import healthz, readyz

__all__ = [
    "CALLBACK_LIMIT_BYTES",
    "healthz",
    "one_case",
    "open_case",
    "openapi",
    "opendsr_callback",
    "readyz",
]

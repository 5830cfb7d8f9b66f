"""The portal as a WSGI application, for granian or any other server."""

import logging
import os

from django.core.wsgi import get_wsgi_application
from django.db import OperationalError

from dsrportal.crypto import verify_keyring

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dsrportal.settings")

application = get_wsgi_application()

# Wrong keys fail here, in one sentence, rather than at the first case that cannot be read.
try:
    verify_keyring()
except OperationalError:
    logging.getLogger(__name__).warning(
        "The database does not answer yet, so nobody tried the master keys on it."
    )

"""The portal as a WSGI application, for granian or any other server."""

import os

from django.core.wsgi import get_wsgi_application

from dsrportal.crypto import verify_keyring

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dsrportal.settings")

application = get_wsgi_application()

# Fails here, in one sentence, rather than at the first case that cannot be read.
verify_keyring()

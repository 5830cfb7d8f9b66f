"""The settings as mypy's plugin loads them: the same, with keys that open nothing."""

import base64
import os

os.environ.setdefault("SECRET_KEY", "for type checking only")
os.environ.setdefault("PORTAL_MASTER_KEYS", "typing:" + base64.b64encode(bytes(32)).decode())

from dsrportal.settings import *  # noqa: F403

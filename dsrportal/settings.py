"""Every setting, and the only file that reads the environment."""

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()

SECRET_KEY = env.str("SECRET_KEY", default="")
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

# Where this portal is reached from outside: callback URLs are built from it. No trailing slash.
PORTAL_BASE_URL = env.str("PORTAL_BASE_URL", default="http://127.0.0.1:8000")
# Master keys as `id:base64 of 32 bytes`, the current one first, older ones after it.
PORTAL_MASTER_KEYS = env.list("PORTAL_MASTER_KEYS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_rq",
    "axes",
    "dsrportal",
    "integrations",
    "cases",
]
AUTH_USER_MODEL = "dsrportal.User"

DATABASES = {"default": env.db("DATABASE_URL", default="postgres:///portal")}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "dsrportal.urls"

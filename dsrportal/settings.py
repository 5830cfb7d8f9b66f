"""Every setting, and the only file that reads the environment. `.env.example` says what each name means."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from dsrportal import csp
from dsrportal.serve import embedded, secretsfile

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
# The real environment wins over the file.
env.read_env(env.str("PORTAL_ENV_FILE", default=str(BASE_DIR / ".env")))

# --- Where things are --------------------------------------------------------------------------------------------
DATA_DIR = Path(env.str("PORTAL_DATA_DIR", default="") or embedded.default_data_dir(BASE_DIR)).absolute()
ADDRESSES = embedded.addresses(DATA_DIR)
# The interface and port the web server takes; if the port is taken, `portal` goes on to the next free one and
# leaves a note of it for the other commands.
HOST = env.str("PORTAL_HOST", default="127.0.0.1")
PORT = env.int("PORTAL_PORT", default=8000)
PORT_FILE = DATA_DIR / "port"
WORKERS = env.int("PORTAL_WORKERS", default=2)

# Where this portal is reached from outside: callback URLs are built from it. No trailing slash.
BASE_URL_GIVEN = bool(env.str("PORTAL_BASE_URL", default=""))
try:
    _port_taken = int(PORT_FILE.read_text())
except (OSError, ValueError):
    _port_taken = PORT
PORTAL_BASE_URL = (env.str("PORTAL_BASE_URL", default="") or f"http://127.0.0.1:{_port_taken}").rstrip("/")
HTTPS = PORTAL_BASE_URL.startswith("https://")
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)

# --- Keys --------------------------------------------------------------------------------------------------------
SECRETS_FILE = DATA_DIR / "secrets.env"
_secrets = secretsfile.read(SECRETS_FILE)
# What `manage.py portal` makes as it starts, where neither the environment nor the file has it.
SECRETS_TO_MAKE: list[str] = []
if (
    env.bool("PORTAL_MAKE_SECRETS", default=False) and not SECRETS_FILE.exists()
):  # set by manage.py for that command
    SECRETS_TO_MAKE = [name for name in secretsfile.NAMES if not env.str(name, default="")]


def _key(name: str) -> str:
    value = env.str(name, default="") or _secrets.get(name, "")
    if not value and name not in SECRETS_TO_MAKE:
        raise ImproperlyConfigured(
            f"{name} is not set: set it (.env.example says how), or run `python manage.py portal` once, which makes "
            f"one and keeps it in {SECRETS_FILE}."
        )
    return value


SECRET_KEY = _key("SECRET_KEY")
# Master keys as `id:base64 of 32 bytes`, the current one first, older ones after it.
PORTAL_MASTER_KEYS = [part.strip() for part in _key("PORTAL_MASTER_KEYS").split(",") if part.strip()]

# --- Django ------------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=["localhost", "127.0.0.1", "[::1]", urlsplit(PORTAL_BASE_URL).hostname or "localhost"],
)

INSTALLED_APPS = [
    "dsrportal.apps.DsrPortalConfig",  # first: its `migrate` and its templates stand in for Django's
    "dsrportal.apps.DeskConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_rq",
    "axes",
    "integrations",
    "cases",
]
AUTH_USER_MODEL = "dsrportal.User"

MIDDLEWARE = [
    "dsrportal.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "dsrportal.probes.ProbesMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dsrportal.language.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "dsrportal.urls"
WSGI_APPLICATION = "dsrportal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
USE_TZ = True
TIME_ZONE = "UTC"
# English is what the code says, German is complete: tests/test_translations.py.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
FORMAT_MODULE_PATH = "dsrportal.formats"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Database ----------------------------------------------------------------------------------------------------


def _database(name: str, fallback: str) -> dict[str, Any]:
    config: dict[str, Any] = env.db_url_config(env.str(name, default="") or fallback)
    if config.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(
            f"{name} must name a PostgreSQL server: postgresql://user:password@host/database."
        )
    options = config.setdefault("OPTIONS", {})
    # A socket's directory comes as `?host=`; Django's other commands look for it here.
    config["HOST"] = config.get("HOST") or options.pop("host", "")
    options.setdefault("connect_timeout", 5)
    # Connecting costs some 4 ms, more than most requests: each thread keeps its connection.
    return config | {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}


EMBEDDED_DATABASE = not env.str("DATABASE_URL", default="")
DATABASES = {"default": _database("DATABASE_URL", ADDRESSES.database_url())}
# The role that owns the tables, for `migrate` alone; None when the portal's own role does that too.
DATABASE_OWNER: dict[str, Any] | None = None
if EMBEDDED_DATABASE or env.str("DATABASE_OWNER_URL", default=""):
    DATABASE_OWNER = _database("DATABASE_OWNER_URL", ADDRESSES.database_url("portal_owner"))

# --- Queue store -------------------------------------------------------------------------------------------------
EMBEDDED_STORE = not env.str("REDIS_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="") or ADDRESSES.redis_url()

_JSON = "rq.serializers.JSONSerializer"
RQ_QUEUES = {
    "default": {"URL": REDIS_URL, "SERIALIZER": _JSON, "DEFAULT_TIMEOUT": 600},  # schedule and reports
    "outgoing": {"URL": REDIS_URL, "SERIALIZER": _JSON, "DEFAULT_TIMEOUT": 120},  # the lanes that send
    "results": {"URL": REDIS_URL, "SERIALIZER": _JSON, "DEFAULT_TIMEOUT": 1200},  # long downloads
}
RQ = {
    "WORKER_CLASS": "dsrportal.worker.PortalWorker",
    "JOB_CLASS": "dsrportal.queueing.PortalJob",
    "COMMIT_MODE": "auto",  # queueing.py waits for the commit itself, also where django-rq would not
    "DEFAULT_RESULT_TTL": 300,
}
# django-rq's dashboard shows arguments to, and deletes jobs for, anyone who may log in.
RQ_SHOW_ADMIN_LINK = False
# What runs when: (name, dotted path, every so many seconds).
SCHEDULE = "cases.schedule.ENTRIES"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "portal:cache",
    }
}

# --- Who may come in ---------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "dsrportal.accounts.AccountsBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "429.html"
AXES_CLIENT_IP_CALLABLE = "dsrportal.client_address.client_address"
AXES_DISABLE_ACCESS_LOG = True  # log-ins are audit events; a second list of who was here when is not needed
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False

SESSION_ENGINE = "dsrportal.sessions"
SESSION_COOKIE_AGE = 8 * 60 * 60  # seconds, counted from the last request
SESSION_SAVE_EVERY_REQUEST = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# Cookies know no ports: two portals on one machine must not share a name.
_suffix = ADDRESSES.sockets.name.rpartition("-")[2]
SESSION_COOKIE_NAME = "__Host-portal_session" if HTTPS else f"portal_session_{_suffix}"
CSRF_COOKIE_NAME = "__Host-portal_csrf" if HTTPS else f"portal_csrf_{_suffix}"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [PORTAL_BASE_URL]

# --- What a browser is told --------------------------------------------------------------------------------------
SECURE_CSP = {
    "default-src": [csp.SELF],
    "script-src": [csp.SELF],
    "style-src": [csp.SELF],
    "img-src": [csp.SELF, "data:"],
    "object-src": [csp.NONE],
    "base-uri": [csp.NONE],
    "frame-ancestors": [csp.NONE],
    "form-action": [csp.SELF],
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
if HTTPS and TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for sub-domains: we cannot speak for those of the host we are given,
    "security.W021",  # nor enter it into the browsers' lists
    "security.W008",  # http to https is the proxy's part; a redirect would lose a processor's callback
]

# --- The law and the processors -----------------------------------------------------------------------------------
# Where we act for EU law: zone and holidays of the month of GDPR Art. 12(3); CCPA days are counted in their own zone,
# and the business days of an opt-out by their own calendar.
GDPR_TIME_ZONE = env.str("GDPR_TIME_ZONE", default="Europe/Berlin")
GDPR_CALENDAR = env.str("GDPR_CALENDAR", default="DE")
CCPA_TIME_ZONE = env.str("CCPA_TIME_ZONE", default="America/Los_Angeles")
CCPA_CALENDAR = env.str("CCPA_CALENDAR", default="US-federal")
# Two cases of one person for the same are a possible duplicate if they were received within so many days.
DUPLICATE_WINDOW_DAYS = env.int("DUPLICATE_WINDOW_DAYS", default=90)
# A request of which nothing was heard for so long is asked for.
REPORT_INTERVAL_SECONDS = env.int("REPORT_INTERVAL_SECONDS", default=3600)
# How long what was approved in bulk and cannot be undone at a processor waits here, where it can.
BULK_COOL_OFF_SECONDS = env.int("BULK_COOL_OFF_SECONDS", default=600)
RESULT_LIMIT_BYTES = env.int("RESULT_LIMIT_BYTES", default=2 * 1024**3)
# Of a file that a person adds by hand; it is held in memory, since a temporary file would be a clear copy.
FILE_UPLOAD_HANDLERS = ["cases.admin.uploads.InMemory"]
UPLOAD_LIMIT_BYTES = env.int("UPLOAD_LIMIT_BYTES", default=50 * 1024**2)
PACKAGE_DAYS = env.int("PACKAGE_DAYS", default=90)

STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "files"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    # Encrypted before it gets here; any Django storage will do, such as one of django-storages for S3.
    "packages": {
        "BACKEND": env.str("PACKAGE_STORAGE", default="django.core.files.storage.FileSystemStorage"),
        "OPTIONS": env.json(
            "PACKAGE_STORAGE_OPTIONS",
            default={"location": str(DATA_DIR / "packages"), "file_permissions_mode": 0o600},
        ),
    },
}

# --- Mail --------------------------------------------------------------------------------------------------------
# Confirmation links leave by it; what is missing is named where they are offered.
_mail = {
    "EMAIL_URL": env.str("EMAIL_URL", default=""),
    "DEFAULT_FROM_EMAIL": env.str("DEFAULT_FROM_EMAIL", default=""),
}
EMAIL_TIMEOUT = 10  # seconds
# The demo delivers into a folder. Set by manage.py for `portal --demo`.
DEMO_MAIL_DIR = DATA_DIR / "mail" if env.bool("PORTAL_DEMO", default=False) else None
if _mail["EMAIL_URL"]:
    vars().update(env.email_url_config(_mail["EMAIL_URL"]))
elif DEMO_MAIL_DIR:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = _mail["EMAIL_URL"] = str(DEMO_MAIL_DIR)
    _mail["DEFAULT_FROM_EMAIL"] = _mail["DEFAULT_FROM_EMAIL"] or "Privacy team <privacy@example.org>"
MAIL_MISSING = [name for name, value in _mail.items() if not value]
# A link to this very machine would lead nobody anywhere, but for whoever plays on it.
if not BASE_URL_GIVEN and not DEMO_MAIL_DIR:
    MAIL_MISSING.append("PORTAL_BASE_URL")
DEFAULT_FROM_EMAIL = _mail["DEFAULT_FROM_EMAIL"] or "portal@localhost"

# --- Static files ------------------------------------------------------------------------------------------------
# Served from where they lie (indexed once at the start): no collecting step that could be forgotten or be stale.
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 60  # seconds; after that the browser asks whether it changed

# --- Logging -----------------------------------------------------------------------------------------------------
LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "dsrportal.logs.OneLine"}},
    "filters": {"route": {"()": "dsrportal.logs.RouteInsteadOfPath"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["route"]},
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # Django's own handlers would mail errors with all their values.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.utils.autoreload": {"level": "WARNING"},
        "rq": {"level": "WARNING"},
        "rq.worker": {"level": "WARNING"},
        "rq.job": {"level": "WARNING"},
        "axes": {"level": "ERROR"},  # its lines name who tried to log in; the audit trail records that
        "urllib3": {"level": "ERROR"},  # its warnings hold whole addresses
    },
}

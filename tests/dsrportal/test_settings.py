"""What the environment says and what becomes of it; what reaches the log; from where a request came."""

import ast
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, RequestFactory
from pytest_django import Settings

from dsrportal.client_address import client_address
from dsrportal.logs import OneLine, RouteInsteadOfPath
from dsrportal.serve import secretsfile

ROOT = Path(__file__).parents[2]
KEYS = {"SECRET_KEY": "s" * 60, "PORTAL_MASTER_KEYS": "k1:" + "A" * 43 + "="}


def manage(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    bare = {"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(tmp_path), "PORTAL_ENV_FILE": os.devnull}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=bare | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


def value(tmp_path: Path, name: str, **variables: str) -> str:
    """A setting as a process of its own sees it."""
    code = f"from dsrportal import settings; print(repr(settings.{name}))"
    bare = {"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(tmp_path), "PORTAL_ENV_FILE": os.devnull}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=bare | KEYS | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


@pytest.mark.parametrize("missing", sorted(KEYS))
def test_a_missing_key_is_one_sentence_that_says_what_to_do(tmp_path: Path, missing: str) -> None:
    ran = manage(tmp_path, "migrate", **{name: key for name, key in KEYS.items() if name != missing})
    assert ran.returncode != 0
    assert ran.stderr.startswith(f"{missing} is not set: ")
    assert "manage.py portal" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_keys_are_made_once_kept_private_and_read_again(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "secrets.env"
    secretsfile.make(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(secretsfile.read(path)) == sorted(KEYS)
    with pytest.raises(FileExistsError):
        secretsfile.make(path)
    assert value(tmp_path / "data", "SECRET_KEY", SECRET_KEY="") == repr(secretsfile.read(path)["SECRET_KEY"])


def test_settings_make_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    given = {"PORTAL_DATA_DIR": str(data), "PORTAL_MAKE_SECRETS": "1", "SECRET_KEY": ""}
    assert value(tmp_path, "SECRETS_TO_MAKE", **given) == "['SECRET_KEY']"
    assert value(tmp_path, "SECRETS_TO_MAKE", PORTAL_MAKE_SECRETS="1") == "[]"
    assert not data.exists()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("PORTAL_PORT=9000\nTRUSTED_PROXIES=2\n")
    given = {"PORTAL_ENV_FILE": str(tmp_path / "env"), "PORTAL_PORT": "9100"}
    assert value(tmp_path, "PORT", **given) == "9100"
    assert value(tmp_path, "TRUSTED_PROXIES", **given) == "2"


def test_https_makes_cookies_secure_and_never_redirects(tmp_path: Path) -> None:
    given = {"PORTAL_BASE_URL": "https://privacy.example/", "TRUSTED_PROXIES": "1"}
    assert value(tmp_path, "PORTAL_BASE_URL", **given) == "'https://privacy.example'"
    assert value(tmp_path, "SESSION_COOKIE_SECURE", **given) == "True"
    assert value(tmp_path, "SESSION_COOKIE_NAME", **given) == "'__Host-portal_session'"
    assert int(value(tmp_path, "SECURE_HSTS_SECONDS", **given)) > 0
    assert "privacy.example" in value(tmp_path, "ALLOWED_HOSTS", **given)
    source = (ROOT / "dsrportal" / "settings.py").read_text()
    assert "SECURE_SSL_REDIRECT" not in source  # a redirect would lose a processor's callback


def test_two_portals_on_one_machine_have_cookies_of_their_own(tmp_path: Path) -> None:
    names = {value(tmp_path / part, "SESSION_COOKIE_NAME") for part in ("one", "two")}
    assert len(names) == 2


def test_a_database_that_is_not_postgresql_is_refused(tmp_path: Path) -> None:
    ran = manage(tmp_path, "check", **KEYS, DATABASE_URL="sqlite:///db.sqlite3")
    assert "DATABASE_URL must name a PostgreSQL server" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_debug_is_off_unless_asked_for_and_then_warned_about(tmp_path: Path) -> None:
    assert value(tmp_path, "DEBUG") == "False"
    ran = manage(tmp_path, "check", "--tag", "security", **KEYS, DEBUG="1")
    assert "dsrportal.W002" in ran.stderr


def test_every_name_that_is_read_is_documented() -> None:
    tree = ast.parse((ROOT / "dsrportal" / "settings.py").read_text())
    read = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    names = {str(name) for name in read}
    # These are read through a function of the settings; the last is manage.py's own word to them.
    names |= {"SECRET_KEY", "PORTAL_MASTER_KEYS", "DATABASE_URL", "DATABASE_OWNER_URL"}
    names -= {"PORTAL_MAKE_SECRETS", "PORTAL_DEMO"}
    documented = set(re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert documented == names


class TestClientAddress:
    @pytest.mark.parametrize(
        ("proxies", "forwarded", "expected"),
        [
            (0, "6.6.6.6", "10.0.0.1"),
            (1, "6.6.6.6, 9.9.9.9", "9.9.9.9"),
            (2, "6.6.6.6, 9.9.9.9, 10.0.0.2", "9.9.9.9"),
            (3, "9.9.9.9", "9.9.9.9"),
            (1, "", "10.0.0.1"),
            (1, "This is not a valid address.", ""),
            (1, "2001:DB8::1", "2001:db8::1"),
        ],
    )
    def test_only_what_a_trusted_proxy_wrote_is_believed(
        self, settings: Settings, proxies: int, forwarded: str, expected: str
    ) -> None:
        settings.TRUSTED_PROXIES = proxies
        request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": forwarded})
        assert client_address(request) == expected


class TestLog:
    def line(self, name: str = "cases", **extra: object) -> str:
        record = logging.LogRecord(
            name, logging.WARNING, __file__, 1, "Unauthorized: %s", ("/x/secret",), None
        )
        for key, item in extra.items():
            setattr(record, key, item)
        RouteInsteadOfPath().filter(record)
        return OneLine().format(record)

    def test_an_exception_is_its_class_and_place_never_its_text(self) -> None:
        try:
            try:
                raise KeyError("ada@example.com")
            except KeyError as error:
                raise ValueError("ada@example.com\nsecond line") from error
        except ValueError:
            line = self.line(exc_info=sys.exc_info())
        assert "ada@" not in line
        assert "\n" not in line
        assert "ValueError at dsrportal/test_settings.py:" in line
        assert "after KeyError" in line

    def test_a_refused_request_is_its_route_and_never_its_path(self, client: Client) -> None:
        request = client.get("/admin/login/").wsgi_request
        line = self.line("django.request", request=request, status_code=401)
        assert "secret" not in line
        assert line.endswith("GET /admin/login/: 401")

    def test_a_page_that_does_not_exist_is_not_quoted(self) -> None:
        line = self.line("django.request", request=RequestFactory().get("/x/secret"), status_code=404)
        assert "secret" not in line

    def test_a_suspicious_request_is_not_quoted(self) -> None:
        assert self.line("django.security.DisallowedHost").endswith("refused: DisallowedHost")


@pytest.mark.django_db
def test_the_sixth_attempt_is_locked_out_for_that_name_from_that_address(client: Client) -> None:
    get_user_model().objects.create_superuser("agent", password="correct horse battery")

    def attempt(password: str, address: str) -> int:
        form = {"username": "agent", "password": password}
        return client.post("/admin/login/", form, REMOTE_ADDR=address).status_code

    assert [attempt("wrong", "10.0.0.1") for _ in range(5)][-1] == 429
    assert attempt("correct horse battery", "10.0.0.1") == 429
    assert attempt("correct horse battery", "10.0.0.2") == 302


# --- mail


def test_without_a_mail_server_the_portal_knows_what_is_missing(tmp_path: Path) -> None:
    assert value(tmp_path, "MAIL_MISSING") == "['EMAIL_URL', 'DEFAULT_FROM_EMAIL', 'PORTAL_BASE_URL']"
    server = {
        "EMAIL_URL": "smtp+tls://portal:p%40ss@mail.example.com:587",
        "PORTAL_BASE_URL": "https://privacy.example.com",
    }
    assert value(tmp_path, "MAIL_MISSING", **server) == "['DEFAULT_FROM_EMAIL']"
    whole = {**server, "DEFAULT_FROM_EMAIL": "Privacy <privacy@example.com>"}
    assert value(tmp_path, "MAIL_MISSING", **whole) == "[]"
    at_home = {**whole, "PORTAL_BASE_URL": ""}
    assert value(tmp_path, "MAIL_MISSING", **at_home) == "['PORTAL_BASE_URL']", "its links lead nowhere"
    assert value(tmp_path, "EMAIL_HOST_PASSWORD", **whole) == "'p@ss'"
    assert value(tmp_path, "EMAIL_USE_TLS", **whole) == "True"


def test_the_demos_mail_lies_in_its_data_directory_unless_a_server_is_named(tmp_path: Path) -> None:
    assert value(tmp_path, "MAIL_MISSING", PORTAL_DEMO="1") == "[]"
    assert value(tmp_path, "EMAIL_FILE_PATH", PORTAL_DEMO="1") == repr(str(tmp_path / "mail"))
    named = {"PORTAL_DEMO": "1", "EMAIL_URL": "smtp://127.0.0.1:25"}
    assert value(tmp_path, "EMAIL_BACKEND", **named) == "'django.core.mail.backends.smtp.EmailBackend'"

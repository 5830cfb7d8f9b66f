"""`manage.py portal`: everything the portal needs on one machine, until stopped.

The one place that names the sandbox (`--demo`), which is a process of its own that the portal's code knows nothing of.
"""

import json
import signal
import sys
import threading
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from dsrportal.crypto import verify_keyring
from dsrportal.serve import ports, secretsfile
from dsrportal.serve.embedded import CannotStart, Lock, Servers, make_data_dir
from dsrportal.serve.supervisor import Service, Supervisor

READY_SECONDS = 60.0
WEB_THREADS = 2
# Each listens on one queue. A download must not keep the sweep waiting, nor the sweep what is to be sent.
WORKERS = {"worker-1": "outgoing", "worker-2": "outgoing", "worker-3": "default", "worker-4": "results"}
# An erasure's two weeks pass in six seconds.
ONCE_SPEED = 200_000


class Stop(BaseException):
    """A signal asked us to end; raised where the main thread happens to be."""


class Command(BaseCommand):
    help = "Run the whole portal on this machine: database, queue store, web, workers and schedule."
    requires_system_checks: list[str] = []  # noqa: RUF012  (the database they look at is started here)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT, help="taken, or the next free one")
        parser.add_argument("--demo", action="store_true", help="with pretend vendors and demo data")
        parser.add_argument(
            "--once", action="store_true", help="with --demo: play three cases to the end, then stop"
        )
        parser.add_argument("--speed", type=int, help="with --demo: virtual seconds per second")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the portal until it is stopped. Raises CommandError where it cannot start."""
        if options["once"] and not options["demo"]:
            raise CommandError("--once plays the demo: say --demo --once.")
        self.demo: bool = options["demo"]
        self.written = threading.Lock()
        code = 0
        previous = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)
        }
        previous[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._on_signal)
        self.asked_to_stop = False
        self.supervisor = Supervisor(
            cwd=settings.BASE_DIR, log_dir=settings.DATA_DIR / "logs", say=self.say, echo=self._echo
        )
        try:
            with ExitStack() as stack:
                code = self._run(stack, options)
        except Stop:
            pass
        except CannotStart as error:
            raise CommandError(str(error)) from None
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        if code:
            sys.exit(code)

    # --- The order of things -------------------------------------------------------------------------------------

    def _run(self, stack: ExitStack, options: dict[str, Any]) -> int:
        make_data_dir(settings.DATA_DIR)
        (settings.DATA_DIR / "logs").mkdir(exist_ok=True, mode=0o700)
        from dsrportal.demo import setting

        if self.demo:
            setting.refuse_to_listen_on(settings.HOST)
        lock = Lock(settings.DATA_DIR / "portal.lock")
        lock.take()
        stack.callback(lock.release)
        self._make_secrets()

        servers = Servers(
            settings.DATA_DIR, postgres=settings.EMBEDDED_DATABASE, valkey=settings.EMBEDDED_STORE
        )
        stack.callback(servers.stop)
        servers.start()
        servers.on_end(lambda name: self.supervisor.call_soon(lambda: self._revive(servers, name)))

        stack.callback(connections.close_all)
        stack.callback(self._stop_services)
        sandbox = self._start_sandbox(options) if self.demo else None
        call_command("migrate", verbosity=0, interactive=False)
        verify_keyring()
        if not self.demo:
            setting.refuse_known_passwords()
        port, port_lock = ports.take(settings.HOST, options["port"])
        stack.callback(port_lock.release)
        settings.PORT_FILE.write_text(str(port))
        stack.callback(settings.PORT_FILE.unlink, missing_ok=True)
        if not settings.BASE_URL_GIVEN:
            settings.PORTAL_BASE_URL = f"http://127.0.0.1:{port}"
        self._start_services(port)

        if sandbox is None:
            self._banner(port, options["port"], [])
            self.supervisor.run()
            return 0
        address = sandbox.wait()
        logins = setting.prepare(address, settings.PORTAL_BASE_URL)
        if options["once"]:
            from dsrportal.demo import playback

            return playback.play_once(self.say)
        self._banner(
            port,
            options["port"],
            [(login.username, login.password, login.role) for login in logins],
            address.url,
        )
        told_to_end = threading.Event()
        follower = threading.Thread(target=setting.follow, args=(told_to_end, self.say), daemon=True)
        follower.start()
        stack.callback(follower.join, 5)
        stack.callback(told_to_end.set)
        self.supervisor.run()
        return 0

    def _make_secrets(self) -> None:
        if not settings.SECRETS_TO_MAKE:
            return
        made = secretsfile.make(settings.SECRETS_FILE)
        if "SECRET_KEY" in settings.SECRETS_TO_MAKE:
            settings.SECRET_KEY = made["SECRET_KEY"]
        if "PORTAL_MASTER_KEYS" in settings.SECRETS_TO_MAKE:
            settings.PORTAL_MASTER_KEYS = [made["PORTAL_MASTER_KEYS"]]
        self.say(
            f"Made new keys in {settings.SECRETS_FILE}: back it up, without it no stored data can be read."
        )

    def _start_services(self, port: int) -> None:
        listening = threading.Event()
        options = {
            "interface": "wsgi",
            "host": settings.HOST,
            "port": port,
            "workers": settings.WORKERS,
            "blocking-threads": WEB_THREADS,
            "workers-kill-timeout": 5,
        }
        command = ["-m", "granian", "dsrportal.wsgi:application", "--respawn-failed-workers", "--no-ws"]
        web = Service(
            "web",
            [*command, *(part for name, value in options.items() for part in (f"--{name}", str(value)))],
            # Its workers would stay when it is killed; SIGTERM lets it take them along.
            when_parent_dies=signal.SIGTERM,
            on_line=lambda line: listening.set() if "Started worker" in line else None,
        )
        self.supervisor.start(web)
        for name, queue in WORKERS.items():
            self.supervisor.start(Service(name, ["manage.py", "worker", queue]))
        self.supervisor.start(Service("schedule", ["manage.py", "schedule"]))
        _wait_for(listening, web)
        if not ports.answers(settings.HOST, port, given_up=web.ended, seconds=READY_SECONDS):
            raise CannotStart(
                f"The web server does not answer on port {port}; its log is in {settings.DATA_DIR / 'logs'}."
            )

    def _start_sandbox(self, options: dict[str, Any]) -> "_Sandbox":
        sandbox = _Sandbox(options["speed"] or (ONCE_SPEED if options["once"] else None))
        self.supervisor.start(sandbox.service)
        return sandbox

    def _stop_services(self) -> None:
        self.asked_to_stop = True
        self.supervisor.stop(["web"], list(WORKERS), ["schedule", "sandbox"])

    def _revive(self, servers: Servers, name: str) -> None:
        if not self.asked_to_stop:
            self.say(f"{name} ended; starting it again")
            servers.revive()

    def _on_signal(self, number: int, frame: object) -> None:
        if self.asked_to_stop:
            self.supervisor.kill()
            return
        self.asked_to_stop = True
        raise Stop

    # --- What the terminal shows ---------------------------------------------------------------------------------

    def say(self, line: str) -> None:
        with self.written:
            self.stdout.write(line)
            self.stdout.flush()

    def _echo(self, name: str, line: str) -> None:
        """The demo's terminal belongs to its cases: of the logs it shows warnings only."""
        if not self.demo or any(f" {level} " in line for level in ("WARNING", "ERROR", "CRITICAL")):
            with self.written:
                self.stderr.write(f"{name}: {line}")

    def _banner(self, port: int, wished: int, logins: list[tuple[str, str, str]], sandbox: str = "") -> None:
        moved = f"   (port {wished} is taken)" if port != wished else ""
        address = settings.PORTAL_BASE_URL if settings.BASE_URL_GIVEN else f"http://127.0.0.1:{port}"
        lines = [
            "",
            f"  {self.style.MIGRATE_HEADING('DSR Portal')}   {self.style.SUCCESS(address + '/')}{moved}",
            "",
        ]
        for title, (username, password, role) in zip(
            ["Log in as", *[""] * len(logins)], logins, strict=False
        ):
            lines.append(f"  {title:<10}   {username:<12} {password:<16} {role}")
        if not logins and not get_user_model().objects.filter(is_superuser=True).exists():
            lines.append(
                "  Log in as    nobody yet: run `python manage.py createsuperuser` in another terminal"
            )
        if sandbox:
            lines += [
                "  Try          as agnes open a case and verify it, as pia approve it; it moves below, times in UTC",
                f"  Sandbox      {sandbox}/   the pretend vendors; the browser will warn of its certificate",
                f"  Mail         {settings.DEMO_MAIL_DIR or 'is sent by EMAIL_URL'}   to confirm, open the link in it",
            ]
        lines += [f"  {'Data':<10}   {settings.DATA_DIR}", f"  {'Stop':<10}   Ctrl-C", ""]
        self.say("\n".join(lines))


class _Sandbox:
    """The pretend mParticle, as far as the portal knows it: one line on its output says where it is."""

    def __init__(self, speed: int | None) -> None:
        command = ["-m", "integrations.sandbox", "--data-dir", str(settings.DATA_DIR / "sandbox"), "--port"]
        self._rest = ["--speed", str(speed)] if speed is not None else []
        self._command = command
        self._said = threading.Event()
        self._line: dict[str, Any] = {}
        self.service = Service("sandbox", [*command, "0", *self._rest], on_line=self._listen)

    def _listen(self, line: str) -> None:
        if line.startswith('{"') and not self._said.is_set():
            self._line = json.loads(line)
            # Started again it comes back where the processors know it.
            port = self._line["url"].rstrip("/").rpartition(":")[2]
            self.service.command = [*self._command, port, *self._rest]
            self._said.set()

    def wait(self) -> Any:
        from dsrportal.demo.setting import SandboxAddress

        _wait_for(self._said, self.service)
        fields = ("url", "root_pem", "workspaces", "oauth", "leanplum")
        return SandboxAddress(**{name: self._line[name] for name in fields})


def _wait_for(event: threading.Event, service: Service) -> None:
    """Wait until the service has said what sets the event; raise with its last words when it ends first."""

    def give_up_when_it_ends(ended: threading.Event) -> None:
        ended.wait()
        event.set()

    threading.Thread(target=give_up_when_it_ends, args=(service.ended,), daemon=True).start()
    event.wait(READY_SECONDS)
    if service.ended.is_set():
        last = " / ".join(list(service.pump.tail)[-3:]) if service.pump else ""
        raise CannotStart(f"{service.name} did not start: {last}")

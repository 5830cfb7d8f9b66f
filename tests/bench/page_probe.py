"""Makes the desk's pages in a process of its own and says what each took: `python page_probe.py OPEN CLOSED`.

It runs in the root of a checkout, which need not be the one it came with: it uses what every build has (settings,
models, `tests.builders`, the few services that never moved) and the WSGI application, as the web server does. First it
fills the migrated database and says in one line of JSON which pages there are; then it reads the name of a page a line
and answers with what one visit took. It ends where its standard input does.
"""

import json
import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any
from unittest.mock import patch

# The modules of the checkout in whose root it runs.
sys.path.insert(0, os.getcwd())
os.environ["DJANGO_SETTINGS_MODULE"] = "dsrportal.settings"

import django
from django.utils import timezone

BOARD = "/admin/"
QUEUE = "/admin/cases/case/"
ADDRESS = "192.0.2.7"
# How far the open cases have come, as shares of them.
STAGES = {"intake": 4, "ready": 5, "queued": 4, "pending": 4, "failed": 1, "answered": 2}
OPEN_DAYS, CLOSED_DAYS = 28, 84


class Filler:
    """The same cases in every checkout, by the services that people call: so they are whole, and the trail is there."""

    def __init__(self) -> None:
        from tests import builders

        self.chance = random.Random(7)
        self.now = timezone.now()
        self.builders = builders
        self.agent = person("agnes", "agent")
        person("pia", "approver")
        builders.processor(name="Shop")
        builders.manual("Archive")

    def fill(self, open_cases: int, closed_cases: int) -> None:
        stages = [stage for stage, share in STAGES.items() for _ in range(share)]
        for number in range(open_cases):
            self._open(number, stages[number % len(stages)])
        for number in range(closed_cases):
            self._closed(open_cases + number)

    def _open(self, number: int, stage: str) -> None:
        from cases.models import Case

        make = {"intake": self.builders.open_case, "ready": self.builders.ready_case}
        case = make.get(stage, self.builders.approved_case)(**self._terms(number, days=OPEN_DAYS))
        if stage == "pending":
            self._move(case, "pending", sent_at=self.now, attempts=1, answered_attempts=1)
        elif stage == "failed":
            self._move(case, "failed")
        elif stage == "answered":
            self._move(case, "completed", answer="done", completed_at=self.now)
        if number % 3 == 0:
            Case.objects.filter(pk=case.pk).update(assignee=self.agent)
        if number % 4 == 0:
            from cases.services import notes

            actor = self.builders.actor("agnes")
            notes.add(case, "@pia asked by phone whether both are hers.", actor=actor)

    def _closed(self, number: int) -> None:
        terms = self._terms(number, days=CLOSED_DAYS)
        with as_of(terms["received_at"] + timedelta(hours=3)):
            case = self.builders.open_case(**terms)
        with as_of(terms["received_at"] + timedelta(days=self.chance.randint(1, 20))):
            closing().withdraw(case, actor=self.builders.actor("agnes"))

    def _terms(self, number: int, *, days: int) -> dict[str, Any]:
        return {
            "identities": [("email", f"person.{number}@example.org")],
            "type": self.chance.choice(["erasure", "erasure", "access"]),
            "regulation": self.chance.choice(["gdpr", "gdpr", "ccpa"]),
            "received_at": self.now - timedelta(hours=self.chance.randint(4, days * 24)),
        }

    def _move(self, case: Any, to: str, **fields: Any) -> None:
        from cases.services import progress, transition

        actor = self.builders.actor("agnes")
        with progress.locked(case.pk) as locked:
            for request in locked.requests.select_related("processor"):
                request.case = locked
                reported = to == "completed"
                transition.move_request(request, to, actor=actor, reported=reported, fields=fields)
            progress.settle(locked, actor=actor)


def closing() -> Any:
    """The one module of these that has moved: where it lies now, else where it lay."""
    try:
        from cases.services.closing import closing
    except ImportError:
        from cases.services import closing  # type: ignore[no-redef]
    return closing


def person(name: str, role: str) -> Any:
    from django.contrib.auth.models import Group

    from tests import builders

    made = builders.person(name)
    made.groups.add(Group.objects.get(name=role))
    return made


@contextmanager
def as_of(moment: datetime) -> Iterator[None]:
    """What happens here happens at `moment`: services take the time from Django alone."""
    with patch.object(timezone, "now", lambda: moment):
        yield


class Visitor:
    """Agnes, logged in. A visit is what the web server has the application do for one GET, to its last byte."""

    def __init__(self) -> None:
        from django.test import Client

        from dsrportal.models import User
        from dsrportal.wsgi import application

        client = Client(REMOTE_ADDR=ADDRESS)
        client.force_login(User.objects.get(username="agnes"))
        self._cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        self._application = application
        self.pages = {"queue": QUEUE, "board": BOARD, **self._cases()}

    def _cases(self) -> dict[str, str]:
        """The first of each kind in the queue, opened from there: such a page knows its neighbours."""
        from cases.models import Case

        _took, body = self.visit(QUEUE)
        found: dict[str, str] = {}
        for path, key in re.findall(rf'href="({QUEUE}([^/"]+)/change/[^"]*)"', body.decode()):
            status = Case.objects.values_list("status", flat=True).get(pk=key)
            found.setdefault(f"{status} case", path.replace("&amp;", "&"))
        return {name: found[name] for name in ("ready case", "working case")}

    def visit(self, address: str) -> tuple[dict[str, float], bytes]:
        """Milliseconds by the clock and of this process, the number of queries, and the page. Raises RuntimeError
        where it is not what was asked for."""
        from django.db import connection

        answered: list[str] = []
        queries: list[str] = []
        environ = self._environ(address)

        def begin(status: str, headers: Any, error: Any = None, /) -> Callable[[bytes], object]:
            answered.append(status)
            return lambda data: None  # Django never writes by itself

        with connection.execute_wrapper(partial(noted, queries)):
            began, cpu = time.perf_counter(), time.process_time()
            answer = self._application(environ, begin)
            body = b"".join(answer)
            answer.close()
            took = time.perf_counter() - began, time.process_time() - cpu
        if answered != ["200 OK"]:
            raise RuntimeError(f"{address} answered {answered}.")
        return {"ms": took[0] * 1000, "cpu_ms": took[1] * 1000, "queries": len(queries)}, body

    def _environ(self, address: str) -> dict[str, Any]:
        path, _mark, query = address.partition("?")
        return {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": ADDRESS,
            "HTTP_HOST": "127.0.0.1",
            "HTTP_COOKIE": self._cookies,
            "HTTP_ACCEPT_LANGUAGE": "en",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }


def noted(queries: list[str], execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
    queries.append(sql)
    return execute(sql, *rest)


def main(open_cases: int, closed_cases: int) -> None:
    django.setup()
    from django.core.management import call_command

    from dsrportal.queueing import store

    call_command("migrate", verbosity=0, interactive=False)
    Filler().fill(open_cases, closed_cases)
    store().flushdb()  # nobody works here what the services have queued
    visitor = Visitor()
    print(json.dumps({"pages": list(visitor.pages)}), flush=True)
    for line in sys.stdin:
        print(json.dumps(visitor.visit(visitor.pages[line.strip()])[0]), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""The page at `/`: what was received, what was sent, and which switches are thrown. Identities are masked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from integrations.sandbox.accounts import Accounts
from integrations.sandbox.callbacks import Delivery
from integrations.sandbox.clock import Clock
from integrations.sandbox.crowd import Crowd
from integrations.sandbox.faults import Faults
from integrations.sandbox.messages import HTML_TYPE, Answer, Call
from integrations.sandbox.mparticle.engine import Engine
from integrations.sandbox.mparticle.store import Store, SubjectRequest
from integrations.sandbox.people import People
from integrations.sandbox.switches import Switchboard

_ROWS = 50
_STYLE = (Path(__file__).parent / "page.css").read_bytes()
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Page:
    def __init__(
        self,
        *,
        store: Store,
        people: People,
        engine: Engine,
        clock: Clock,
        board: Switchboard,
        faults: Faults,
        accounts: Accounts,
        base_url: str,
    ) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._board = board
        self._faults = faults
        self._accounts = accounts
        self._crowd = Crowd(people, accounts)
        self._base_url = base_url

    def answer(self, call: Call) -> Answer:
        if call.path != "/":
            return Answer(
                status=200,
                body=_STYLE,
                content_type="text/css; charset=utf-8",
                headers=dict(_HEADERS),
                route=call.path,
            )
        body = self._document().encode()
        return Answer(status=200, body=body, content_type=HTML_TYPE, headers=dict(_HEADERS), route="/")

    def _document(self) -> str:
        with self._store.lock:
            count = len(self._store.requests)
            requests = list(self._store.requests.values())[-_ROWS:][::-1]
            sent = len(self._engine.deliveries)
            calls = self._store.calls.most_common(_ROWS)
            deliveries = list(self._engine.deliveries)[-_ROWS:][::-1]
            request_table = _table(
                ("Request", "Type", "Regulation", "Identities", "Workspace", "Status", "Next change"),
                (self._request_row(request) for request in requests),
                nothing="Nothing yet. POST to /v3/requests with the credentials of a workspace.",
            )
        callback_table = _table(
            ("Sent", "To", "Status word", "Attempt", "Answer"),
            (_delivery_row(delivery) for delivery in deliveries),
            nothing="None yet. They go out in batches, every 15 virtual minutes.",
        )
        call_table = _table(
            ("Call", "Times"),
            ([f"<code>{escape(name)}</code>", str(count)] for name, count in calls),
            nothing="None yet.",
        )
        speed = f"{self._clock.speed:g} times as fast" if self._clock.speed else "standing still"
        return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="3">
<title>Vendor sandbox</title>
<link rel="stylesheet" href="/_sandbox/page.css">
</head>
<body>
<header>
<p class="eyebrow">Pretend vendors, on this machine only</p>
<h1>Vendor sandbox</h1>
<p class="lead">Answers like mParticle's OpenDSR v3 at <code>{escape(self._base_url)}/v3</code> and signs its
callbacks for real, with a certificate authority made for this directory. IDSync, Events and the Platform API answer
beside it, and Leanplum, all of the same people. Nothing here reaches anybody.</p>
<dl class="facts">
<div><dt>Virtual time</dt><dd>{_span(self._clock.now())}</dd></div>
<div><dt>Clock</dt><dd>{speed}</dd></div>
<div><dt>People</dt><dd>{sum(self._crowd.counts().values())}</dd></div>
<div><dt>Requests</dt><dd>{count}</dd></div>
<div><dt>Callbacks sent</dt><dd>{sent}</dd></div>
</dl>
</header>
<main>
<section><h2>Requests received</h2>{request_table}</section>
<section><h2>Callbacks sent</h2>{callback_table}</section>
<div class="columns">
<section><h2>Workspaces and apps</h2>{self._workspace_table()}</section>
<section><h2>Switches thrown</h2>{self._switch_table()}</section>
<section><h2>Faults</h2>{self._fault_table()}</section>
<section><h2>Calls</h2>{call_table}</section>
</div>
</main>
</body>
</html>
"""

    def _request_row(self, request: SubjectRequest) -> list[str]:
        identities = {**request.identities, **request.extension_identities}
        shown = "<br>".join(
            f'<span class="quiet">{escape(name)}</span> {escape(mask(value))}'
            for name, value in list(identities.items())[:4]
        )
        if len(identities) > 4:
            shown += f'<br><span class="quiet">and {len(identities) - 4} more</span>'
        return [
            f'<code title="{request.id}">{request.id[:8]}…{request.id[-4:]}</code>',
            request.type + (' <span class="quiet">at once</span>' if request.skip_waiting_period else ""),
            request.regulation.upper(),
            shown,
            escape(request.workspace),
            _badge(request.status),
            self._next_change(request),
        ]

    def _next_change(self, request: SubjectRequest) -> str:
        if request.status == "pending" and self._board.now.uses_in_progress:
            ahead = request.starts_at - self._clock.now()
        elif request.status in ("pending", "in_progress"):
            ahead = request.ends_at - self._clock.now()
        else:
            return '<span class="quiet">none</span>'
        ahead = max(0.0, ahead)
        if not self._clock.speed:
            return f"after {_span(ahead)}"
        return f'{ahead / self._clock.speed:.0f} s <span class="quiet">({_span(ahead)})</span>'

    def _workspace_table(self) -> str:
        counts = self._crowd.counts()
        keys = [(one.id, one.key) for one in self._accounts.workspaces]
        keys += [(app.app_id, app.production_key) for app in self._accounts.apps]
        rows = ([escape(name), f"<code>{escape(key)}</code>", str(counts[name])] for name, key in keys)
        return _table(("Id", "Key", "People"), rows, nothing="")

    def _switch_table(self) -> str:
        rows = (
            [f"<code>{escape(name)}</code>", f"<code>{escape(json.dumps(value))}</code>"]
            for name, value in self._board.changed().items()
        )
        return _table(("Switch", "Position"), rows, nothing="All in their usual position.")

    def _fault_table(self) -> str:
        struck = list(self._faults.struck)[-10:][::-1]
        rows = [
            [
                _hour(row["time"]),
                f"{escape(row['method'])} {escape(_path(row['path']))}",
                _badge(row["fault"]),
            ]
            for row in struck
        ]
        for order in self._faults.waiting():
            place = f"{escape(order['method'] or 'any')} {escape(order['path'] or 'path')}"
            rows.append(['<span class="quiet">waiting</span>', place, _badge(order["fault"])])
        return _table(("Time", "Call", "Fault"), rows, nothing="None ordered, none struck.")


def mask(value: str) -> str:
    """`jane@example.org` becomes `j***@e***.org`; anything else keeps its first character."""
    name, at, host = value.rpartition("@")
    if at and name and "." in host:
        return f"{name[:1]}***@{host[:1]}***.{host.rpartition('.')[2]}"
    return f"{value[:1]}***"


def _delivery_row(delivery: Delivery) -> list[str]:
    if delivery.status is not None:
        answer = f'<span class="badge {"good" if delivery.taken else "bad"}">{delivery.status}</span>'
    else:
        answer = f'<span class="badge bad">{escape(delivery.error or "none")}</span>'
    return [
        _hour(delivery.sent_time),
        f"<code>{escape(_without_token(delivery.url))}</code>",
        _badge(delivery.request_status or "crafted"),
        str(delivery.attempt),
        answer,
    ]


def _without_token(url: str) -> str:
    """A callback URL carries a secret in its last segment."""
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    return f"{parts.scheme}://{parts.netloc}/" + "/".join([*segments[:-1], "…"])


def _path(path: str) -> str:
    """A path may end in anything a caller put there."""
    return path if len(path) < 50 and "@" not in path else path[:20] + "…"


def _hour(stated: str) -> str:
    return escape(stated[11:19])


def _span(seconds: float) -> str:
    days, rest = divmod(int(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {rest // 60} min"


def _badge(word: str) -> str:
    tone = {"completed": "good", "pending": "wait", "in_progress": "busy", "cancelled": "off"}.get(
        word, "plain"
    )
    return f'<span class="badge {tone}">{escape(word)}</span>'


def _table(head: Sequence[str], rows: Iterable[list[str]], *, nothing: str) -> str:
    """Cells are markup already; whoever makes one escapes what it holds."""
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    if not lines:
        return f'<p class="nothing">{escape(nothing)}</p>'
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    body = "\n".join(lines)
    table = f"<table><thead><tr>{titles}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    return f'<div class="scroll">{table}</div>'

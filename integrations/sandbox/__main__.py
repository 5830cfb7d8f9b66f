"""`python -m integrations.sandbox`: put the parts together, say where we are, and wait for a signal."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from integrations.sandbox.accounts import (
    DEFAULT_APPS,
    DEFAULT_INPUTS,
    DEFAULT_OAUTH,
    DEFAULT_WORKSPACES,
    Accounts,
    accounts,
)
from integrations.sandbox.app import App
from integrations.sandbox.asked import Asked
from integrations.sandbox.authority import Authority
from integrations.sandbox.callbacks import Courier
from integrations.sandbox.clock import Clock
from integrations.sandbox.control import Control
from integrations.sandbox.faults import Faults
from integrations.sandbox.journal import Journal
from integrations.sandbox.leanplum import Leanplum
from integrations.sandbox.mparticle.engine import Engine
from integrations.sandbox.mparticle.events import Events
from integrations.sandbox.mparticle.identity import Identity
from integrations.sandbox.mparticle.opendsr import OpenDsr
from integrations.sandbox.mparticle.platform import Platform
from integrations.sandbox.mparticle.store import Store
from integrations.sandbox.page import Page
from integrations.sandbox.people import People
from integrations.sandbox.server import Server
from integrations.sandbox.switches import Switchboard

_ENDING = (signal.SIGTERM, signal.SIGINT)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    # Blocked here, and so in every thread to come: the kernel may hand a signal to any thread, and one that lands
    # beside a main thread asleep on a lock wakes nobody. `sigwait` below takes it wherever it lands.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    data_dir: Path = options.data_dir
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = accounts(
        workspaces=options.workspace or DEFAULT_WORKSPACES,
        inputs=options.input_key or DEFAULT_INPUTS,
        oauth=options.oauth_client,
        apps=options.leanplum_app or DEFAULT_APPS,
    )

    server = Server(port=options.port)
    base_url = f"https://localhost:{server.port}"
    authority = Authority(data_dir / "authority")
    journal = Journal(data_dir / "requests.jsonl")
    clock = Clock(speed=options.speed, start=journal.saved_clock)
    journal.clock = clock.now
    board = Switchboard()
    store = Store(journal)
    people = People(journal, clock=clock, board=board)
    faults = Faults()
    courier = Courier(authority, lanes=options.callback_threads)
    engine = Engine(store=store, people=people, clock=clock, board=board, courier=courier, base_url=base_url)
    opendsr = OpenDsr(
        store=store,
        people=people,
        engine=engine,
        clock=clock,
        board=board,
        authority=authority,
        courier=courier,
        workspaces=known.workspaces,
        base_url=base_url,
    )
    asked = Asked()
    identity = Identity(people=people, board=board, asked=asked, workspaces=known.workspaces)
    events = Events(journal, people=people, clock=clock, board=board, workspaces=known.workspaces)
    platform = Platform(accounts=known, clock=clock, board=board, asked=asked)
    leanplum = Leanplum(people=people, accounts=known, clock=clock, board=board, asked=asked)
    control = Control(
        store=store,
        people=people,
        accounts=known,
        engine=engine,
        clock=clock,
        board=board,
        faults=faults,
        authority=authority,
        courier=courier,
        opendsr=opendsr,
        events=events,
        platform=platform,
        asked=asked,
    )
    page = Page(
        store=store,
        people=people,
        engine=engine,
        clock=clock,
        board=board,
        faults=faults,
        accounts=known,
        base_url=base_url,
    )
    app = App(
        store=store,
        board=board,
        faults=faults,
        control=control,
        opendsr=opendsr,
        leanplum=leanplum,
        others=(identity, events, platform),
        page=page,
    )

    journal.start()
    courier.start()
    engine.start()
    server.start(authority.server_context(), app.handle)
    if options.exit_with_stdin:
        threading.Thread(target=_follow_stdin, daemon=True).start()
    _say_ready(base_url, authority, known)

    signal.sigwait(_ENDING)
    server.close()
    journal.close()
    return 0


def _say_ready(base_url: str, authority: Authority, known: Accounts) -> None:
    line = {"url": base_url, "root_pem": str(authority.root_path.resolve()), **known.as_dict()}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _follow_stdin() -> None:
    """Whoever started us holds the other end; when that process dies, however it dies, we end too."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m integrations.sandbox",
        description="A pretend mParticle and Leanplum over HTTPS on localhost.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument(
        "--data-dir", type=Path, required=True, help="certificates and requests are kept here"
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=20000,
        help="virtual seconds per second; 0 stands still (default 20000)",
    )
    parser.add_argument(
        "--workspace", action="append", metavar="ID:KEY:SECRET", help="may be given several times"
    )
    parser.add_argument(
        "--input-key", action="append", metavar="ID:KEY:SECRET", help="of a workspace, for IDSync and Events"
    )
    parser.add_argument(
        "--oauth-client", default=DEFAULT_OAUTH, metavar="ID:SECRET:ACCOUNT", help="for the Platform API"
    )
    parser.add_argument(
        "--leanplum-app",
        action="append",
        metavar="ID:DEVELOPMENT:PRODUCTION:EXPORT",
        help="an app and its keys; may be given several times",
    )
    parser.add_argument(
        "--callback-threads", type=int, default=4, help="deliveries at the same time (default 4)"
    )
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when standard input closes")
    return parser


if __name__ == "__main__":
    sys.exit(main())

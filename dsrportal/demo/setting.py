"""The setting of `portal --demo`: people, a pretend mParticle to send to, and cases that move.

Called by the command `portal` only, which starts the sandbox as a process of its own and hands over its address.
"""

import ipaddress
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import Group
from django.db import connection

from cases.actor import Actor, Source
from cases.models import AuditEvent, Case
from cases.services.processors import accounts
from dsrportal.demo import cases, history
from dsrportal.models import User
from dsrportal.serve.embedded import CannotStart
from integrations.models import Processor

PASSWORD = "portal-demo"  # noqa: S105  (everyone may know it: the portal listens on this machine only)
WORKSPACES = ("Sandbox workspace", "Sandbox second workspace")
APP = "Sandbox app"
# The newsletter's paper archive: what no program reaches.
BY_HAND = "Paper archive"
NAMES = (*WORKSPACES, APP, BY_HAND)
ARCHIVE: dict[str, Any] = {
    "kind": "manual",
    "account": "archive",
    "options": {
        "types": "erasure",
        "assignee": "agnes",
        "instructions": "Look through the folders by name and shred what is about this person.",
    },
}


@dataclass(frozen=True)
class SandboxAddress:
    """Where the pretend vendors answer: their address, the root their certificates hang from, their accounts."""

    url: str
    root_pem: str
    workspaces: list[dict[str, str]] = field(default_factory=list, repr=False)
    oauth: dict[str, str] = field(default_factory=dict, repr=False)
    leanplum: list[dict[str, str]] = field(default_factory=list, repr=False)


@dataclass(frozen=True)
class Login:
    """One of the demo's people."""

    username: str
    password: str = field(repr=False)
    role: str


PEOPLE = (
    Login("agnes", PASSWORD, "agent"),
    Login("pia", PASSWORD, "approver"),
    Login("otto", PASSWORD, "auditor"),
    Login("ivy", PASSWORD, "integration manager"),
    Login("admin", PASSWORD, "administrator"),
)


def refuse_to_listen_on(host: str) -> None:
    """Raises CannotStart where the demo, whose passwords everyone knows, would be reached from other machines."""
    try:
        ours_alone = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        ours_alone = False
    if not ours_alone:
        raise CannotStart(
            f"The demo's passwords are known to everyone, so it does not listen on {host}: leave PORTAL_HOST out, or "
            "--demo."
        )


def refuse_known_passwords() -> None:
    """Raises CannotStart where a demo's accounts are still open: the data directory may have been a demo's before."""
    names = list(_with_known_password())
    if names:
        raise CannotStart(
            f"This data directory was a demo's, and everyone knows the password of {', '.join(names)}: set "
            "PORTAL_DATA_DIR to another one, or start it with --demo and deactivate these accounts."
        )


def _with_known_password() -> Iterator[str]:
    names = [login.username for login in PEOPLE]
    for user in User.objects.filter(username__in=names, is_active=True).order_by("username"):
        if check_password(PASSWORD, user.password):
            yield user.username


def prepare(sandbox: SandboxAddress, base_url: str) -> list[Login]:
    """Make, or bring up to date, the people, the processors that point at the sandbox and the first cases.

    Safe to repeat: the data directory is kept between runs, and the sandbox and the portal may have moved to
    other ports. Raises CannotStart on data that is not a demo's: its people have passwords that everyone knows.
    """
    if Processor.objects.exclude(name__in=NAMES).exclude(kind="manual").exists() or _has_real_people():
        raise CannotStart(
            "This data directory holds more than a demo: set PORTAL_DATA_DIR to another one, or leave out --demo."
        )
    for login in PEOPLE:
        _person(login)
    begins = not Case.objects.exists() and not Processor.objects.exists()
    if begins:
        history.tell(_archive_for_everything)
    for name, wished in _wished(sandbox).items():
        _processor(name, wished)
    if begins:
        cases.open_all()
    return list(PEOPLE)


def _archive_for_everything() -> Processor:
    """Before anything was connected it was all there was."""
    options = {"types": "all", "assignee": "agnes", "instructions": "Look through the folders by name."}
    return _processor(BY_HAND, {**ARCHIVE, "options": options})


def _has_real_people() -> bool:
    """Names prove nothing: an administrator may well be called “admin”."""
    return User.objects.exists() and not any(_with_known_password())


def _person(login: Login) -> None:
    user, created = User.objects.get_or_create(username=login.username, defaults={"is_staff": True})
    if created:
        user.set_password(login.password)
        user.is_superuser = login.role == "administrator"
        user.save()
        user.groups.set(Group.objects.filter(name=login.role))


def _wished(sandbox: SandboxAddress) -> dict[str, dict[str, Any]]:
    """The processors by name, with what each is to be."""
    with open(sandbox.root_pem) as file:
        root = file.read()
    wished: dict[str, dict[str, Any]] = {}
    for name, workspace in zip(WORKSPACES, sandbox.workspaces, strict=False):
        wished[name] = {
            "kind": "mparticle",
            "account": workspace["id"],
            "base_url": f"{sandbox.url}/v3",
            "certificate_hosts": ["localhost"],
            "credentials": {
                "workspace_key": workspace["key"],
                "workspace_secret": workspace["secret"],
                "input_key": workspace["input_key"],
                "input_secret": workspace["input_secret"],
                "oauth_client_id": sandbox.oauth["client_id"],
                "oauth_client_secret": sandbox.oauth["client_secret"],
            },
            "options": {
                "identity_url": f"{sandbox.url}/identity/v1",
                "events_url": f"{sandbox.url}/s2s/v2",
                "sso_url": f"{sandbox.url}/sso",
                "platform_url": f"{sandbox.url}/platform/v1",
                "oauth_account": sandbox.oauth["account_id"],
                "gdpr_purposes": "marketing\nanalytics",
            },
            "extra_tls_roots": root,
            "extra_signing_roots": root,
        }
    for app in sandbox.leanplum[:1]:
        wished[APP] = {
            "kind": "leanplum",
            "account": app["app_id"],
            "base_url": f"{sandbox.url}/leanplum/api",
            "credentials": {name: app[name] for name in ("development_key", "production_key", "export_key")},
            "options": {"user_id_type": "controller_customer_id", "attributes": "email = email"},
            "extra_tls_roots": root,
        }
    wished[BY_HAND] = ARCHIVE
    return wished


def _processor(name: str, wished: dict[str, Any]) -> Processor:
    processor = Processor.objects.filter(name=name).first() or Processor(name=name)
    changed = [field for field, value in wished.items() if getattr(processor, field) != value]
    for field_name in changed:
        setattr(processor, field_name, wished[field_name])
    accounts.save(processor, actor=Actor(Source.COMMAND), changed=changed)
    return processor


def follow(stop: threading.Event, write: Callable[[str], None]) -> None:
    """Write a line whenever a case moves, until told to stop. Runs in a thread of its own."""
    try:
        # What was there before is in the audit trail; the log-ins above must not scroll away for it.
        last = AuditEvent.objects.order_by("pk").values_list("pk", flat=True).last() or 0
        while True:
            for event in AuditEvent.objects.filter(pk__gt=last, case__isnull=False).select_related("case"):
                write(_line(event))
                last = event.pk
            if stop.wait(1.0):
                return
    finally:
        connection.close()


def _line(event: AuditEvent) -> str:
    who = event.actor_label or event.get_source_display().lower()
    reference = event.case.reference if event.case else ""
    return f"  {event.at:%H:%M:%S}  {reference:<16} {who:<10} {event.sentence}"

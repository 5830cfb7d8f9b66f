"""What `portal --demo` shows: people, a pretend mParticle to send to, and cases that move.

Called by the command `portal` only, which starts the sandbox as a process of its own and hands over its address.
"""

import ipaddress
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from cases.actor import Actor, Source
from cases.lifecycle import CaseStatus, Outcome
from cases.models import AuditEvent, Case, PackageState, ResultPackage
from cases.services import approval, audit, closing, intake, planning, processors, results, verification
from dsrportal.embedded import CannotStart
from dsrportal.models import User
from integrations.models import Processor
from integrations.types import Identity

PASSWORD = "portal-demo"  # noqa: S105  (everyone may know it: the portal listens on this machine only)
NAMES = ("Sandbox workspace", "Sandbox second workspace")
ONCE_SECONDS = 50.0


@dataclass(frozen=True)
class SandboxAddress:
    """Where the pretend mParticle answers: its address, the root its certificates hang from, its accounts."""

    url: str
    root_pem: str
    workspaces: list[dict[str, str]] = field(default_factory=list, repr=False)


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

# (type, regulation, identities, how far the case has come, hours since receipt)
Person = tuple[tuple[str, str], ...]
CASES: tuple[tuple[str, str, Person, str, int], ...] = (
    (
        "erasure",
        "gdpr",
        (("email", "ada.lovelace@example.org"), ("mobile_number", "+44 20 7946 0001")),
        "approved",
        30,
    ),
    ("access", "gdpr", (("email", "grace.hopper@example.org"),), "approved", 52),
    ("portability", "gdpr", (("controller_customer_id", "C-20417"),), "approved", 200),
    ("erasure", "ccpa", (("email", "katherine.johnson@example.com"),), "ready", 76),
    (
        "erasure",
        "gdpr",
        (("email", "alan.turing@example.org"), ("email", "a.turing@example.com")),
        "ready",
        610,
    ),
    (
        "access",
        "ccpa",
        (("email", "mary.jackson@example.com"), ("controller_customer_id", "C-55120")),
        "ready",
        20,
    ),
    ("access", "gdpr", (("email", "edsger.dijkstra@example.org"),), "intake", 3),
    ("erasure", "gdpr", (("ios_advertising_id", "9F1D3C1B-2E5A-4B57-8C1E-53A1B0C7D2E4"),), "intake", 690),
    ("erasure", "ccpa", (("mpid", "-3512845671234567890"),), "intake", 9),
    ("portability", "ccpa", (("email", "dorothy.vaughan@example.com"),), "denied", 400),
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
    if Processor.objects.exclude(name__in=NAMES).exists() or _has_real_people():
        raise CannotStart(
            "This data directory holds more than a demo: set PORTAL_DATA_DIR to another one, or leave out --demo."
        )
    for login in PEOPLE:
        _person(login)
    for name, workspace in zip(NAMES, sandbox.workspaces, strict=False):
        _processor(name, workspace, sandbox)
    if not Case.objects.exists():
        for kind, regulation, identities, stage, hours in CASES:
            _case(kind, regulation, identities, stage, hours)
    return list(PEOPLE)


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


def _processor(name: str, workspace: dict[str, str], sandbox: SandboxAddress) -> None:
    with open(sandbox.root_pem) as file:
        root = file.read()
    wished = {
        "kind": "mparticle",
        "account": workspace["id"],
        "base_url": f"{sandbox.url}/v3",
        "certificate_hosts": ["localhost"],
        "credentials": {"workspace_key": workspace["key"], "workspace_secret": workspace["secret"]},
        "extra_tls_roots": root,
        "extra_signing_roots": root,
    }
    processor = Processor.objects.filter(name=name).first() or Processor(name=name)
    changed = [name for name, value in wished.items() if getattr(processor, name) != value]
    for field_name in changed:
        setattr(processor, field_name, wished[field_name])
    processors.save(processor, actor=Actor(Source.COMMAND), changed=changed)


def _as(username: str) -> Actor:
    return Actor(Source.COMMAND, user=User.objects.get(username=username))


def _case(kind: str, regulation: str, identities: Person, stage: str, hours: int) -> Case:
    agent, approver = _as("agnes"), _as("pia")
    case = intake.open_case(
        actor=agent,
        type=kind,
        regulation=regulation,
        received_at=timezone.now() - timedelta(hours=hours),
        identities=[Identity(identity_type, value) for identity_type, value in identities],
    )
    if stage in {"ready", "approved"}:
        case = verification.record(case, actor=agent, method="matched_data")
    if stage == "approved":
        case = approval.approve(case, actor=approver, digest=planning.digest(case))
    if stage == "denied":
        case = approval.deny(case, actor=approver, reason="not_verified", text="No answer to two questions.")
    return case


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


def play_once(write: Callable[[str], None]) -> int:
    """Play one erasure and one access case from `intake` to `closed`, writing each step; 0, or 1 with the reason."""
    stop_at = time.monotonic() + ONCE_SECONDS
    try:
        played = [
            _play_start("erasure", "erase.me@example.org", write),
            _play_start("access", "show.me@example.org", write),
        ]
        for case in played:
            _play_end(case, stop_at, write)
    except _Failed as reason:
        write(f"FAILED: {reason}")
        return 1
    for case in played:
        write("")
        write(f"Audit trail of {case.reference}")
        for event in AuditEvent.objects.filter(case=case).order_by("sequence"):
            write(
                f"  {event.sequence:>3}  {event.at:%H:%M:%S.%f}  {bytes(event.hash).hex()[:12]}  {event.sentence}"
            )
    return 0


class _Failed(Exception):
    """Why a case did not come to its end."""


def _play_start(kind: str, email: str, write: Callable[[str], None]) -> Case:
    case = _case(kind, "gdpr", (("email", email),), "intake", 1)
    write(f"{case.reference}: opened ({kind}), due {case.clocks.get().due_on}")
    case = verification.record(case, actor=_as("agnes"), method="matched_data")
    write(f"{case.reference}: person verified, {case.requests.count()} requests planned")
    case = approval.approve(case, actor=_as("pia"), digest=planning.digest(case))
    write(f"{case.reference}: approved by a second person, requests queued")
    return case


def _play_end(case: Case, stop_at: float, write: Callable[[str], None]) -> None:
    seen = ""
    while case.status != CaseStatus.REVIEW:
        if time.monotonic() > stop_at:
            raise _Failed(
                f"{case.reference} is still {case.status} after {ONCE_SECONDS:.0f} s: {_stands(case)}"
            )
        if case.status == CaseStatus.ATTENTION:
            raise _Failed(f"{case.reference} needs attention: {_attention(case)}")
        if (now := _stands(case)) != seen:
            write(f"{case.reference}: {now}")
            seen = now
        time.sleep(0.2)
        case.refresh_from_db()
    write(f"{case.reference}: {_stands(case)}")
    if case.type == "access":
        _check_package(case, write)
    closing.close(case, actor=_as("agnes"), outcome=Outcome.FULFILLED)
    case.refresh_from_db()
    if (case.status, case.outcome) != (CaseStatus.CLOSED, Outcome.FULFILLED):
        raise _Failed(f"{case.reference} ended as {case.status}, {case.outcome}")
    broken = audit.verify(f"case:{case.pk}")
    if broken:
        raise _Failed(f"{case.reference}: the audit chain does not hold: {broken[0].problem}")
    write(f"{case.reference}: closed as fulfilled, audit chain verified")


def _stands(case: Case) -> str:
    return ", ".join(
        f"{request.processor.name} {request.status}" for request in case.requests.select_related("processor")
    )


def _attention(case: Case) -> str:
    return " ".join(case.attention_items.filter(resolved_at=None).values_list("sentence", flat=True))


def _check_package(case: Case, write: Callable[[str], None]) -> None:
    packages: Sequence[ResultPackage] = list(ResultPackage.objects.filter(processor_request__case=case))
    fetched = [package for package in packages if package.state == PackageState.FETCHED]
    if not fetched:
        raise _Failed(f"{case.reference} has no package")
    for package in fetched:
        size = sum(len(chunk) for chunk in results.download(package, actor=_as("agnes")))
        if size != package.size_bytes:
            raise _Failed(f"{case.reference}: the stored package has {size} bytes, not {package.size_bytes}")
        write(
            f"{case.reference}: package fetched and opened again, {size} bytes, sha256 {package.sha256[:16]}…"
        )

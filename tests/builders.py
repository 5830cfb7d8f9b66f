"""Small builders: people, a processor that points at the sandbox, cases at the stages of their life."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from cases.actor import Actor, Source
from cases.models import Case
from cases.services.intake import opening
from cases.services.intake.rules import Asked
from cases.services.person import verification
from cases.services.person.evidence import Evidence
from cases.services.planning import approval, planning
from dsrportal.models import User
from integrations import budget
from integrations.models import Processor
from integrations.types import Correction, Identity, Inquiry
from tests.sandbox import Sandbox

PASSWORD = "correct-horse-battery"
# Enough for every rule that migrating makes.
MATCHED = Evidence(points=("name", "postal_address", "birth_date"), declaration=True)


def person(username: str, **more: Any) -> User:
    return User.objects.create_user(username, password=PASSWORD, is_staff=True, **more)


def actor(user: User | str, address: str = "192.0.2.7") -> Actor:
    """The person as an actor; by name, an account is made or found."""
    if isinstance(user, str):
        user = User.objects.filter(username=user).first() or person(user)
    return Actor(Source.ADMIN, user=user, address=address)


def processor(sandbox: Sandbox | None = None, *, workspace: int = 0, **more: object) -> Processor:
    """A processor of the sandbox's workspace; without a sandbox, one that nothing answers for."""
    fields: dict[str, object] = {
        "kind": "mparticle",
        "name": f"Sandbox {workspace}",
        "account": "4302",
        "base_url": "https://localhost:9/v3",
        "credentials": {"workspace_key": "key", "workspace_secret": "secret"},
        "certificate_hosts": ["localhost"],
    }
    if sandbox is not None:
        keys = sandbox.workspaces[workspace]
        fields |= {
            "account": keys["id"],
            "base_url": f"{sandbox.url}/v3",
            "credentials": {
                "workspace_key": keys["key"],
                "workspace_secret": keys["secret"],
                "input_key": keys["input_key"],
                "input_secret": keys["input_secret"],
            },
            "options": addresses(sandbox),
            "extra_tls_roots": sandbox.root_pem,
            "extra_signing_roots": sandbox.root_pem,
            "limits": "100000 calls in 60 s",  # no test waits for the ramp who does not ask for it
        }
    made = Processor.objects.create(**(fields | more))
    budget.rebuild(made, [])  # it never sent anything
    return made


def addresses(sandbox: Sandbox) -> dict[str, str]:
    """The options of an mParticle processor that point at the sandbox."""
    return {
        "identity_url": f"{sandbox.url}/identity/v1",
        "events_url": f"{sandbox.url}/s2s/v2",
        "sso_url": f"{sandbox.url}/sso",
        "platform_url": f"{sandbox.url}/platform/v1",
    }


def leanplum(sandbox: Sandbox, *, app: int = 0, **options: str) -> Processor:
    """A processor of the sandbox's Leanplum app, which knows people by their customer id."""
    keys = sandbox.leanplum[app]
    return Processor.objects.create(
        kind="leanplum",
        name=f"App {app}",
        account=keys["app_id"],
        base_url=f"{sandbox.url}/leanplum/api",
        credentials={name: keys[name] for name in ("development_key", "production_key", "export_key")},
        options={"user_id_type": "controller_customer_id", **options},
        extra_tls_roots=sandbox.root_pem,
        limits="100000 calls in 60 s",
    )


def manual(name: str = "Archive", **options: str) -> Processor:
    return Processor.objects.create(kind="manual", name=name, account=name.lower(), options=options)


def about(request_id: UUID, request_type: str = "erasure", *identities: Identity) -> Inquiry:
    """A question about a request that a test sent by itself."""
    return Inquiry(request_id, request_type, None, lambda: identities)


def open_case(
    *,
    type: str = "erasure",
    regulation: str = "gdpr",
    identities: Sequence[tuple[str, str]] = (("email", "Ada.Lovelace@Example.org"),),
    by: str = "agnes",
    received_at: datetime | None = None,
    skip_waiting_period: bool = False,
    group_name: str = "",
    purposes: Sequence[str] = (),
    corrections: Sequence[Correction] = (),
) -> Case:
    asked = Asked(
        type=type,
        regulation=regulation,
        received_at=received_at or timezone.now() - timedelta(hours=2),
        identities=tuple(Identity(kind, value) for kind, value in identities),
        skip_waiting_period=skip_waiting_period,
        group_name=group_name,
        purposes=tuple(purposes),
        corrections=tuple(corrections),
    )
    return opening.open_case(asked, actor=actor(by))


def ready_case(**more: Any) -> Case:
    case = open_case(**more)
    agent = actor(str(more.get("by", "agnes")))
    return verification.record(case, actor=agent, method="matched_data", evidence=MATCHED)


def approved_case(*, approver: str = "pia", **more: Any) -> Case:
    case = ready_case(**more)
    return approval.approve(case, actor=actor(approver), digest=planning.digest(case))

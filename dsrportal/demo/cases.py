"""The demo's open cases, at every stage, and what the team has done with them so far."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from cases.actor import Actor, Source
from cases.models import Case, IntakeSource
from cases.services import notes
from cases.services.intake import opening
from cases.services.intake import sources as intake_sources
from cases.services.intake.rules import Asked
from cases.services.person import email_links, verification
from cases.services.person.evidence import Evidence
from cases.services.planning import approval, planning
from cases.services.worklist import assigning, saved_views
from dsrportal.models import User
from integrations.types import Correction, Identity, Regulation, RequestType

Person = tuple[tuple[str, str], ...]
# What agnes compares of everybody.
MATCHED: Final = Evidence(points=("name", "postal_address", "birth_date"), declaration=True)
FORM: Final = intake_sources.Terms(
    "Privacy page", [RequestType.ACCESS, RequestType.ERASURE, RequestType.OPT_OUT], Regulation.values, 30
)
SHARED_VIEW: Final = ("Erasures to approve", "status=ready&type__exact=erasure")


@dataclass(frozen=True, slots=True)
class Story:
    """One case: how far it has come, how long ago it was received, and what the team has done beside."""

    type: str
    regulation: str
    person: Person
    stage: str
    hours: int
    assignee: str = ""
    tags: tuple[str, ...] = ()
    deferred_days: int = 0
    # Who wrote it, and what.
    note: tuple[str, str] = ("", "")
    new_value: str = ""


STORIES: Final = (
    Story(
        "erasure",
        "gdpr",
        (("email", "ada.lovelace@example.org"), ("mobile_number", "+44 20 7946 0001")),
        "approved",
        30,
        assignee="agnes",
    ),
    Story("access", "gdpr", (("email", "grace.hopper@example.org"),), "approved", 52),
    Story("portability", "gdpr", (("controller_customer_id", "C-20417"),), "approved", 200, assignee="agnes"),
    Story(
        "erasure",
        "ccpa",
        (("email", "katherine.johnson@example.com"),),
        "ready",
        76,
        note=(
            "pia",
            "@agnes does the household account belong to her alone? Please ask before I approve this.",
        ),
    ),
    Story(
        "erasure",
        "gdpr",
        (("email", "alan.turing@example.org"), ("email", "a.turing@example.com")),
        "ready",
        610,
        assignee="pia",
        tags=("complaint",),
        note=(
            "agnes",
            "@pia he wrote twice and is due soon: both addresses are his, I checked them by phone.",
        ),
    ),
    Story(
        "access",
        "ccpa",
        (("email", "mary.jackson@example.com"), ("controller_customer_id", "C-55120")),
        "ready",
        20,
    ),
    Story(
        "access",
        "gdpr",
        (("email", "edsger.dijkstra@example.org"),),
        "intake",
        3,
        assignee="agnes",
        tags=("former employee",),
        deferred_days=5,
    ),
    Story(
        "erasure", "gdpr", (("ios_advertising_id", "9F1D3C1B-2E5A-4B57-8C1E-53A1B0C7D2E4"),), "intake", 690
    ),
    Story("erasure", "ccpa", (("mpid", "-3512845671234567890"),), "intake", 9),
    Story("portability", "ccpa", (("email", "dorothy.vaughan@example.com"),), "denied", 400),
    # The same person asked twice.
    Story("access", "gdpr", (("email", "lise.meitner@example.org"),), "ready", 120),
    Story(
        "access",
        "gdpr",
        (("email", "lise.meitner@example.org"), ("controller_customer_id", "C-31007")),
        "ready",
        44,
    ),
    Story("access", "gdpr", (("email", "annie.cannon@example.com"),), "link", 26, assignee="agnes"),
    Story("erasure", "gdpr", (("email", "karl.schwarzschild@example.org"),), "form", 2),
    Story(
        "correction",
        "gdpr",
        (("email", "emmy.noether@example.org"),),
        "ready",
        68,
        tags=("moved",),
        new_value="e.noether@example.org",
    ),
)


def open_all() -> None:
    form, _token = intake_sources.create(FORM, actor=acting("ivy"))
    for story in STORIES:
        case = _open(story, form)
        _work(case, story)
    name, query = SHARED_VIEW
    saved_views.save(actor=acting("pia"), name=name, query=query, shared=True)


def acting(username: str) -> Actor:
    return Actor(Source.COMMAND, user=User.objects.get(username=username))


def open_case(
    kind: str,
    regulation: str,
    person: Person,
    stage: str,
    hours: int,
    *,
    actor: Actor | None = None,
    through: IntakeSource | None = None,
    corrections: tuple[Correction, ...] = (),
) -> Case:
    """A case that agnes opened, if nobody else did, and verified, and perhaps pia approved or denied; all of it now."""
    agent, approver = acting("agnes"), acting("pia")
    asked = Asked(
        type=kind,
        regulation=regulation,
        received_at=timezone.now() - timedelta(hours=hours),
        identities=tuple(Identity(identity_type, value) for identity_type, value in person),
        corrections=corrections,
    )
    case = opening.open_case(asked, actor=actor or agent, through=through)
    if stage in {"ready", "approved"}:
        case = verification.record(case, actor=agent, method="matched_data", evidence=MATCHED)
    if stage == "approved":
        case = approval.approve(case, actor=approver, digest=planning.digest(case))
    if stage == "denied":
        case = approval.deny(case, actor=approver, reason="not_verified", text="No answer to two questions.")
    return case


def _open(story: Story, form: IntakeSource) -> Case:
    more: dict[str, Any] = {}
    if story.stage == "form":
        more = {"actor": intake_sources.actor_of(form, address="192.0.2.44"), "through": form}
    if story.new_value:
        ((identity_type, value),) = story.person
        more["corrections"] = (Correction(identity_type, value, story.new_value),)
    case = open_case(story.type, story.regulation, story.person, story.stage, story.hours, **more)
    # Into the demo's own folder; a real mail server is left alone.
    if story.stage == "link" and getattr(settings, "EMAIL_FILE_PATH", None):
        email_links.ask(case, actor=acting("agnes"), identity=email_links.addresses(case)[0].pk)
    return case


def _work(case: Case, story: Story) -> None:
    agent = acting("agnes")
    if story.assignee:
        assigning.assign(case, actor=agent, assignee=acting(story.assignee).user, seen=None)
    if story.tags:
        assigning.tag(case, actor=agent, names=story.tags)
    if story.deferred_days:
        until = timezone.localdate() + timedelta(days=story.deferred_days)
        assigning.defer(case, actor=agent, until=until)
    author, words = story.note
    if author:
        notes.add(case, words, actor=acting(author))

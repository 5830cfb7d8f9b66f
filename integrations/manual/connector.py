"""A system that people work by hand: nothing is sent anywhere, somebody does it and attests."""

from datetime import timedelta
from typing import ClassVar, Final

from dsrportal.sentence import Sentence, Word
from integrations.connector import REQUESTS, Capability, Connector
from integrations.types import (
    Budget,
    ConnectionCheck,
    Draft,
    Limit,
    Option,
    Report,
    ReportedStatus,
    RequestType,
    Submission,
)

ALWAYS: Final = "always"
ON_DEMAND: Final = "on_demand"

# What the choices of the option `types` stand for. A copy to take along is made as a copy to read is.
TYPES: Final[dict[str, frozenset[str]]] = {
    "all": frozenset(RequestType.values),
    "erasure": frozenset({RequestType.ERASURE}),
    "access": frozenset({RequestType.ACCESS, RequestType.PORTABILITY}),
    "erasure_access": frozenset({RequestType.ERASURE, RequestType.ACCESS, RequestType.PORTABILITY}),
}

# Nothing is called, so no request waits for another.
NO_LIMIT = Budget(calls=Limit(1_000_000, 60))


class Manual(Connector):
    kind: ClassVar[str] = "manual"
    label: ClassVar[Sentence] = Sentence("Manual")
    description: ClassVar[Sentence] = Sentence(
        "A system that the portal cannot reach. Each request becomes a task, and someone attests what "
        "was done."
    )
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.ACCESS,
            Capability.PORTABILITY,
            Capability.ERASURE,
            Capability.OPT_OUT,
            Capability.CORRECTION,
            Capability.BY_HAND,
        }
    )
    account_label: ClassVar[Sentence] = Sentence("System")
    account_help: ClassVar[Sentence] = Sentence("Name of the system or partner where the work is done.")
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "types",
            Sentence("Request type"),
            choices=(
                ("all", Sentence("All types of request")),
                ("erasure", Sentence("Erasure only")),
                ("access", Sentence("Access and portability only")),
                ("erasure_access", Sentence("Erasure, access and portability")),
            ),
            default="all",
        ),
        Option(
            "when",
            Sentence("Include in plans"),
            choices=((ALWAYS, Sentence("Always")), (ON_DEMAND, Sentence("Only on request"))),
            default=ALWAYS,
        ),
        Option(
            "instructions",
            Sentence("Instructions"),
            Sentence("What to do there, and how to check that it is done. Shown with each task."),
            multiline=True,
        ),
        Option(
            "assignee",
            Sentence("Assignee"),
            Sentence("User name of the person who gets the tasks. If empty, the tasks are unassigned."),
        ),
        Option(
            "days_before",
            Sentence("Due, in days before the case"),
            Sentence(
                "A whole number. A task is due this many days before the response deadline of the case."
            ),
            default="5",
        ),
    )

    @property
    def on_demand(self) -> bool:
        return self.processor.option("when") == ON_DEMAND

    def cannot(self, draft: Draft) -> Sentence | None:
        if draft.request_type in TYPES.get(self.processor.option("types"), TYPES["all"]):
            return None
        what = Word(RequestType(draft.request_type).label)
        return Sentence(
            "According to its options, %(processor)s is not used for this type of request (%(what)s).",
            processor=self.processor.name,
            what=what,
        )

    def submit(self, request: Submission) -> Report:
        """The task exists since the case was planned; with this it has begun."""
        return Report(request.request_id, ReportedStatus.IN_PROGRESS, "by hand")

    def repeats_safely(self, request_type: str) -> bool:
        """Nothing leaves this machine."""
        return True

    def test_connection(self) -> list[ConnectionCheck]:
        return [
            ConnectionCheck(
                Sentence("Manual"),
                True,
                Sentence("There is nothing to test. This system is worked manually."),
            )
        ]

    def budget(self, api: str = REQUESTS) -> Budget:
        return NO_LIMIT

    def longest(self, request_type: str, *, skip_waiting_period: bool) -> timedelta:
        """A day. How long people take nobody publishes, and each task has a due date of its own, before the case's;
        so a forecast warns only of what is handed out on the last day."""
        return timedelta(days=1)

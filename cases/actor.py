"""Who does it. A frozen value passed down to every service; never a thread-local."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import TextChoices

if TYPE_CHECKING:
    from dsrportal.models import User


class Source(TextChoices):
    ADMIN = "admin", "Admin"
    CALLBACK = "callback", "Callback"
    REPORT = "report", "Report"
    SCHEDULE = "schedule", "Schedule"
    COMMAND = "command", "Command"


@dataclass(frozen=True, slots=True)
class Seen:
    """How much of a case somebody had before them: the number of its last audit event. See services.freshness."""

    case_id: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Actor:
    """`user` is None for the portal itself; `address` is the client's, "" where there is none.

    `seen` is what they decide upon, where they were shown a page of the case; None where they were not.
    """

    source: Source
    user: "User | None" = None
    address: str = ""
    seen: Seen | None = None

    @property
    def user_id(self) -> int | None:
        return self.user.pk if self.user else None

    @property
    def label(self) -> str:
        """What the audit trail calls the actor, should the account be gone one day."""
        return self.user.get_username() if self.user else ""


SCHEDULE = Actor(Source.SCHEDULE)
REPORT = Actor(Source.REPORT)
CALLBACK = Actor(Source.CALLBACK)

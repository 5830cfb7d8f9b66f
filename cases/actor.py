"""The actor who does something: a frozen value passed down to every service, never a thread-local."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from dsrportal.models import User


class Source(TextChoices):
    ADMIN = "admin", gettext_lazy("Admin")
    CALLBACK = "callback", gettext_lazy("Callback")
    REPORT = "report", gettext_lazy("Report")
    SCHEDULE = "schedule", gettext_lazy("Schedule")
    COMMAND = "command", gettext_lazy("Command")
    PERSON = "person", gettext_lazy("The data subject")
    API = "api", gettext_lazy("Intake API")


@dataclass(frozen=True, slots=True)
class Seen:
    """How much of a case somebody had before them: the number of its last audit event. See services.freshness."""

    case_id: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Actor:
    """`user` is None for the portal itself; `address` is the client's, "" where there is none.

    `name` is what somebody goes by who has no account, such as a form of our own. `seen` is what they decide upon,
    where they were shown a page of the case; None where they were not.
    """

    source: Source
    user: "User | None" = None
    address: str = ""
    name: str = ""
    seen: Seen | None = None

    @property
    def user_id(self) -> int | None:
        return self.user.pk if self.user else None

    @property
    def label(self) -> str:
        """What the audit trail calls the actor, should the account be gone one day."""
        return self.user.get_username() if self.user else self.name


SCHEDULE = Actor(Source.SCHEDULE)
REPORT = Actor(Source.REPORT)
CALLBACK = Actor(Source.CALLBACK)

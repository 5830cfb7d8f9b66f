"""Exclusions: what a service refuses of one case, said of many at once, so that the database can count them.

Each stands beside the rule that it restates, and only says what to expect: the service judges each case again.
"""

from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from cases.lifecycle import CaseStatus


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Cases that a verb for many leaves out, and the code that is kept with each.

    `refused` is False of those that the service would take: nothing came of it, or it is for each case to say.
    """

    code: str
    cases: Q
    refused: bool = True


CLOSED: Final = Exclusion("closed", Q(status=CaseStatus.CLOSED))

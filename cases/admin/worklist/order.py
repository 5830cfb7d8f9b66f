"""The orders that the list of cases can have, and what stands before and after one case in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import F, Q
from django.db.models.expressions import OrderBy

from cases.admin.worklist import search
from cases.admin.worklist.conditions import of_closed
from cases.lifecycle import CaseStatus

PARAMETER: Final = "sort"


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an order; of closed cases' `closed_at` alone some are empty, and stand first."""

    column: str
    descending: bool = False

    def order(self, *, backwards: bool = False) -> OrderBy:
        down = self.descending is not backwards
        column = F(self.column)
        if self.column != "closed_at":
            return column.desc() if down else column.asc()
        return column.desc(nulls_first=True) if down else column.asc(nulls_last=True)

    def beyond(self, value: Any, *, backwards: bool) -> Q:
        """Strictly behind this value, or before it. Empty counts as later than all."""
        down = self.descending is not backwards
        if value is None:
            return Q(**{f"{self.column}__isnull": False}) if down else Q(pk__in=[])
        found = Q(**{f"{self.column}__{'lt' if down else 'gt'}": value})
        return found if down or self.column != "closed_at" else found | Q(closed_at__isnull=True)

    def same(self, value: Any) -> Q:
        return Q(**{f"{self.column}__isnull": True}) if value is None else Q(**{self.column: value})


# The last key tells cases apart that are alike in the others.
DUE: Final = (Key("due_at"), Key("pk"))
CLOSED: Final = (Key("closed_at", descending=True), Key("pk", descending=True))
CLOSED_LAST: Final = (Key("closed_at", descending=True), Key("due_at"), Key("pk"))
# Column of the list -> column of the table.
COLUMNS: Final = {"reference": "reference", "due": "due_at", "received": "received_at"}
SORTS: Final[dict[str, tuple[Key, ...]]] = {
    f"{sign}{name}": (Key(column, bool(sign)), Key("pk", bool(sign)))
    for name, column in COLUMNS.items()
    for sign in ("", "-")
}


def keys(asked: Mapping[str, str]) -> tuple[Key, ...]:
    """The order that an address asks for: what is due first, unless it asks for another or for closed cases."""
    if asked.get(PARAMETER, "") in SORTS:
        return SORTS[asked[PARAMETER]]
    status = asked.get("status", "")
    if status == CaseStatus.CLOSED or of_closed(asked):
        return CLOSED
    return CLOSED_LAST if status == "all" or asked.get(search.PARAMETER) else DUE


def ordering(asked: Mapping[str, str]) -> list[OrderBy]:
    return [key.order() for key in keys(asked)]


def beyond(keys: Sequence[Key], values: Sequence[Any], *, backwards: bool) -> Q:
    """What comes behind a case with these values, or before it: by its keys, not by leafing."""
    found, alike = Q(pk__in=[]), Q()
    for key, value in zip(keys, values, strict=True):
        found |= alike & key.beyond(value, backwards=backwards)
        alike &= key.same(value)
    if values[0] is None or keys[0].column == "closed_at":
        return found
    # Implied by the rest, and what an index can begin with.
    down = keys[0].descending is not backwards
    return found & Q(**{f"{keys[0].column}__{'lte' if down else 'gte'}": values[0]})

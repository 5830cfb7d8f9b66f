"""States of the filters of the list of cases: what an address sets them to, as words and links of a page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cases.admin.worklist.conditions import Asked
from cases.admin.worklist.filters import Choice, Days, Filter, Flag
from cases.admin.worklist.offered import Offered, Option, Words
from cases.services.refusal import Refused


class Linked(Protocol):
    """A list that knows the address with other parameters."""

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str: ...


@dataclass(frozen=True, slots=True)
class FilterState:
    """One filter as it is set. What `codes` and `filters_text` of an export ask is named as in Django's filters."""

    filter: Filter
    asked: Asked
    tables: Offered
    has_perm: Callable[[str], bool]

    @property
    def title(self) -> Words:
        return self.filter.title

    @property
    def name(self) -> str:
        return self.filter.name

    @property
    def value(self) -> str:
        return self.asked.get(self.filter.name, "") if not isinstance(self.filter, Days) else ""

    @property
    def options(self) -> list[Option]:
        return self.filter.offered(self.tables) if isinstance(self.filter, Choice) else []

    def expected_parameters(self) -> list[str]:
        return list(self.filter.parameters)

    def choices(self, listed: Linked) -> Iterator[dict[str, Any]]:
        """What can be chosen, the chosen marked, each with the address that chooses it."""
        value, name = self.value, self.filter.name
        if isinstance(self.filter, Flag):
            if self.has_perm(self.filter.permission):
                on = value == "1"
                address = listed.get_query_string({} if on else {name: "1"}, [name] if on else [])
                yield {"selected": on, "query_string": address, "display": self.title}
        elif isinstance(self.filter, Choice):
            everything = listed.get_query_string(remove=[name])
            words = self.filter.any_words(self.asked)
            yield {"selected": not value, "query_string": everything, "display": words}
            for option, words in self.options:
                address = listed.get_query_string({name: option})
                yield {"selected": value == option, "query_string": address, "display": words}

    # --- in the panel

    @property
    def days(self) -> list[tuple[str, str, str]]:
        """Name, label and value of both fields; none of what is not asked by days."""
        if not isinstance(self.filter, Days):
            return []
        first, last = self.filter.parameters
        return [
            (first, _("from"), self.asked.get(first, "")),
            (last, _("to"), self.asked.get(last, "")),
        ]

    @property
    def words(self) -> str:
        """What it is set to; "" where it is not."""
        if not isinstance(self.filter, Days):
            return str(dict(self.options).get(self.value, self.value))
        try:
            first, last = self.filter.read(self.asked)
        except Refused:
            return _("not a valid date")
        told = [date_format(day, "DATE_FORMAT") if day else "" for day in (first, last)]
        if all(told):
            return told[0] if first == last else " – ".join(told)
        if told[0]:
            return _("from %(day)s") % {"day": told[0]}
        return _("to %(day)s") % {"day": told[1]} if told[1] else ""

"""Pages of long lists, without counting to a million."""

from functools import cached_property
from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import IntegerField, Subquery

CAP: Final = 10_000


class CappedPaginator(Paginator):
    """Counts to CAP and no further: what lies behind that is found by filtering, not by leafing."""

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        counted: int = rows.order_by()[: CAP + 1].count()
        return counted

    @cached_property
    def count(self) -> int:
        return min(self._counted, CAP)

    @property
    def capped(self) -> bool:
        """Whether there are more rows than are counted."""
        return self._counted > CAP


class CountUpTo(Subquery):
    """How many rows a limited query has: many counts in one statement."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()
    empty_result_set_value = 0


class Counted(CappedPaginator):
    """Pages of a list whose rows were counted already, to one beyond the cap, and are fetched elsewhere."""

    def __init__(self, counted: int, per_page: int) -> None:
        super().__init__((), per_page)
        self.__dict__["_counted"] = counted

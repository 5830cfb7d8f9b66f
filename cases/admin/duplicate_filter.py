"""The cases of the queue that somebody should compare with another."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from cases.admin.case_filters import ChipFilter
from cases.models import Case
from cases.services import duplicates


class DuplicateFilter(ChipFilter):
    title = _("Possible duplicates")
    parameter_name = "duplicate"

    @staticmethod
    def cases(*, now: datetime) -> QuerySet[Case]:
        return duplicates.suggested()

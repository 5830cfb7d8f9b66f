"""What people can do to a part of a case: one row a verb, offered beside that part."""

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin import verb_answers
from cases.admin.verb import Verb, on_a_part
from cases.admin.verb_forms import ConfirmForm
from cases.models import AttentionItem, ResultPackage
from cases.services import processors, results

PART_VERBS: Final = (
    Verb(
        "resolve",
        gettext_lazy("Settle"),
        "check",
        "cases.resolve_attentionitem",
        due=on_a_part,
        lead=gettext_lazy("Say that this is decided. The case then moves on to wherever its requests stand."),
        form=ConfirmForm,
        template="portal/verbs/resolve.html",
        on=AttentionItem,
        call=lambda _case, actor, said: processors.resolve_item(said["part"], actor=actor),
        told=lambda _nothing: _("Settled."),
    ),
    Verb(
        "download",
        gettext_lazy("Download result"),
        "download",
        "cases.download_package",
        due=on_a_part,
        lead=gettext_lazy(
            "The file holds the person's data in clear: keep it no longer than you need it. The download goes into "
            "the audit trail."
        ),
        form=ConfirmForm,
        button=gettext_lazy("Download"),
        template="portal/verbs/download.html",
        on=ResultPackage,
        call=lambda case, actor, said: (said["part"], results.download(said["part"], actor=actor)),
        answer=verb_answers.download,
    ),
)

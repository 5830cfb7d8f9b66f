"""Forms asked before a note or a file is added to a case."""

from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.verbs.forms import ConfirmForm, NoteForm
from cases.services.files.file_types import BY_ENDING
from cases.services.notes import MOST_LETTERS


class TalkForm(ConfirmForm):
    text = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=MOST_LETTERS,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": gettext_lazy("Write something first.")},
        help_text=gettext_lazy(
            "Kept encrypted with the case, and never edited or deleted. @name tells a colleague who may see cases."
        ),
    )


class AttachForm(NoteForm):
    upload = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        widget=forms.FileInput,
        error_messages={"required": gettext_lazy("Choose a file.")},
    )
    field_order = ("upload", "text")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = _("What it is")
        self.fields["upload"].widget.attrs["accept"] = ",".join(f".{ending}" for ending in BY_ENDING)
        self.fields["upload"].help_text = _(
            "Up to %(limit)s: %(endings)s. Encrypted as it comes in, and kept as long as the case."
        ) % {"limit": filesizeformat(settings.UPLOAD_LIMIT_BYTES), "endings": ", ".join(BY_ENDING)}

"""Rights are given by those who have them: what forms about accounts and roles ask of who fills them in."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from cases.services import users
from dsrportal.models import User


def _asked_by(form: forms.Form | forms.ModelForm) -> User:
    """The person whose form it is; set on the class by `get_form`, since a form knows no request."""
    giver: Any = getattr(form, "giver", None)
    if not isinstance(giver, User):
        raise TypeError("A form about rights must know who fills it in.")
    return giver


def refuse_beyond(form: forms.ModelForm, permissions: Iterable[Permission]) -> None:
    lacking = users.beyond(_asked_by(form), permissions)
    if lacking:
        raise ValidationError(
            _("You can only grant permissions that you have. You do not have: %(names)s."),
            params={"names": ", ".join(lacking[:5]) + (" …" if len(lacking) > 5 else "")},
        )

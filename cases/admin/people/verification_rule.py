"""Verification rules by type and regulation: read by auditors, changed by administrators."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases.admin.actors import actor_of
from cases.admin.readonly import DeskAdmin
from cases.models import VerificationMethod, VerificationRule
from cases.services.person import rules as verification_rules


class RuleForm(forms.ModelForm):
    methods = forms.MultipleChoiceField(
        label=gettext_lazy("Methods"),
        choices=VerificationMethod.choices,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "choices"}),
        error_messages={
            "required": gettext_lazy("Allow at least one method. Otherwise these cases cannot continue.")
        },
    )

    # As which the rule was shown, so that nobody's change is overwritten unseen.
    seen = forms.CharField(label="", widget=forms.HiddenInput, required=False)

    class Meta:
        model = VerificationRule
        fields = ("methods", "data_points", "declaration", "link_days")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = verification_rules.state_of(self.instance)
        self.initial["seen"] = self.now

    def clean_seen(self) -> str:
        seen = str(self.cleaned_data["seen"])
        if seen and seen != self.now:
            # Looked at anew by whoever reads this.
            if isinstance(self.data, QueryDict):
                self.data = self.data.copy()
                self.data["seen"] = self.now
            self.add_error(None, str(verification_rules.was_changed()))
        return self.now


@admin.register(VerificationRule)
class VerificationRuleAdmin(DeskAdmin):
    form = RuleForm
    list_display = ("what", "law", "allowed", "points", "declared", "link")
    list_display_links = ("what",)
    sortable_by = ()
    fields = ("methods", "data_points", "declaration", "link_days", "seen")
    change_list_template = "portal/people/verification_rules.html"
    change_form_template = "portal/people/verification_rule.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Each type that may be verified has its rule; an opt-out gets none."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        said = form.cleaned_data
        verification_rules.change(
            obj,
            actor=actor_of(request),
            seen=said["seen"],
            **{name: said[name] for name in verification_rules.FIELDS},
        )

    @admin.display(description=gettext_lazy("Type"))
    def what(self, rule: VerificationRule) -> str:
        return rule.get_type_display()

    @admin.display(description=gettext_lazy("Regulation"))
    def law(self, rule: VerificationRule) -> str:
        return rule.get_regulation_display()

    @admin.display(description=gettext_lazy("Methods"))
    def allowed(self, rule: VerificationRule) -> SafeString:
        names = [str(VerificationMethod(method).label) for method in rule.methods]
        return format_html('<span class="sentence">{}</span>', ", ".join(names) or _("None"))

    @admin.display(description=gettext_lazy("Data points"))
    def points(self, rule: VerificationRule) -> str:
        return str(rule.data_points) if VerificationMethod.MATCHED_DATA in rule.methods else "–"

    @admin.display(description=gettext_lazy("Declaration"))
    def declared(self, rule: VerificationRule) -> str:
        wanted = rule.declaration and VerificationMethod.MATCHED_DATA in rule.methods
        return _("Signed") if wanted else "–"

    @admin.display(description=gettext_lazy("Link valid for"))
    def link(self, rule: VerificationRule) -> str:
        if VerificationMethod.EMAIL_CONFIRMED not in rule.methods:
            return "–"
        return ngettext("%(count)d day", "%(count)d days", rule.link_days) % {"count": rule.link_days}

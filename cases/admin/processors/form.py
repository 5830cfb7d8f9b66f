"""The form of a processor, by its kind, with one sentence for every mistake."""

from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.processors.fields import (
    REMOVED,
    AddressField,
    CertificatesField,
    DomainField,
    HostsField,
    SecretField,
    keep_offering,
    option_field,
)
from cases.services.processors import accounts
from integrations.connector import Capability, Connector
from integrations.limits import spell
from integrations.models import Processor
from integrations.registry import connector_class

CREDENTIAL: Final = "credential_"
OPTION: Final = "option_"

_API: Final = ("base_url", "extra_tls_roots", "limits", "budget_share")
_CALLBACKS: Final = ("processor_domain", "certificate_hosts", "extra_signing_roots")

Sections = list[tuple[str, dict[str, Any]]]


def has_api(kind: type[Connector]) -> bool:
    """Whether there is anything to call; what is done by hand has none."""
    return Capability.BY_HAND not in kind.capabilities


def calls_back(kind: type[Connector]) -> bool:
    return Capability.CALLBACKS in kind.capabilities


def sections(kind: type[Connector], *, adding: bool, may_change: bool) -> Sections:
    """The form's sections. Who may only look sees neither credentials nor the callback address."""
    account = ["name", *([] if adding else ["kind"]), "account"]
    if kind.has_environments:
        account.append("environment")
    addresses = [OPTION + option.name for option in kind.options if option.is_address]
    chosen = [OPTION + option.name for option in kind.options if not option.is_address]
    api, callbacks = list(_API), list(_CALLBACKS)
    if may_change:
        api[1:1] = addresses
        callbacks[:0] = [] if adding else ["callback_address"]
    found = [
        (_("Account"), account),
        (_("Credentials"), [CREDENTIAL + secret.name for secret in kind.secrets] if may_change else []),
        (_("Options"), chosen if may_change else []),
        (_("API"), api if has_api(kind) else []),
        (_("Callbacks"), callbacks if calls_back(kind) else []),
    ]
    return [(title, {"fields": fields}) for title, fields in found if fields]


class ProcessorForm(forms.ModelForm):
    """For one kind; `form_for` adds its credentials and options. No stored credential is sent to the browser."""

    connector: ClassVar[type[Connector]]

    base_url = AddressField(label=gettext_lazy("API address"))
    processor_domain = DomainField(
        label=gettext_lazy("Domain"), max_length=253, widget=forms.TextInput(attrs={"class": "vTextField"})
    )
    certificate_hosts = HostsField(label=gettext_lazy("Certificate hosts"), required=False)
    extra_tls_roots = CertificatesField(
        label=gettext_lazy("Additional root certificates for connections"), required=False
    )
    extra_signing_roots = CertificatesField(
        label=gettext_lazy("Additional root certificates for signatures"), required=False
    )
    budget_share = forms.IntegerField(label=gettext_lazy("Share of the limit"), min_value=1, max_value=100)

    class Meta:
        model = Processor
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "limits": forms.Textarea(attrs={"rows": 3, "class": "code", "spellcheck": "false"})
        }
        fields = ("name", "account", "environment", *_API, *_CALLBACKS)
        labels: ClassVar[dict[str, Any]] = {"limits": gettext_lazy("Limits")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(ProcessorForm.declared_fields) & set(self.fields):
            # Declared anew for what they refuse; words and defaults stay the model's.
            column: Any = Processor._meta.get_field(name)
            self.fields[name].help_text = column.help_text
            self.fields[name].initial = column.get_default()
        self._say_what_the_vendor_has()
        if self.instance._state.adding:
            self.instance.kind = self.connector.kind
        self.before = accounts.seen(self.instance)
        for name, field in self._secrets():
            if self.before.credentials.get(name):
                field.keeps()
        for option in self.connector.options:
            stored = self.instance.option(option.name)
            self.fields[OPTION + option.name].initial = stored
            keep_offering(self.fields[OPTION + option.name], stored)

    def _say_what_the_vendor_has(self) -> None:
        """What holds while a field is empty is its placeholder; what each account has by itself must be typed."""
        kind = self.connector
        if "account" in self.fields:
            self.fields["account"].label = str(kind.account_label)
            self.fields["account"].help_text = str(kind.account_help) or self.fields["account"].help_text
        for name, own in (("base_url", kind.default_base_url), ("processor_domain", kind.default_domain)):
            if name in self.fields:
                self.fields[name].required = not own
                self.fields[name].widget.attrs["placeholder"] = own
        if "base_url" in self.fields and not kind.default_base_url:
            self.fields["base_url"].help_text = _("API address, with https:// and the version.")
        if "processor_domain" in self.fields and not kind.default_domain:
            self.fields["processor_domain"].help_text = _(
                "The domain that callbacks must name. Its certificate must sign them."
            )
        if "limits" in self.fields:
            # Written as it would be typed.
            own_limits = kind(Processor(kind=kind.kind, data_key_id=None)).budget()
            self.fields["limits"].widget.attrs["placeholder"] = spell(own_limits)
        for option in kind.options:
            if option.is_address and not option.required:
                widget = self.fields[OPTION + option.name].widget
                widget.attrs["placeholder"] = option.default or _("Vendor default")

    def _secrets(self) -> list[tuple[str, SecretField]]:
        return [
            (field.secret.name, field) for field in self.fields.values() if isinstance(field, SecretField)
        ]

    @property
    def changed(self) -> list[str]:
        """The names of what was changed, credentials and options by their own."""
        own = {option.name: option.default for option in self.connector.options}
        before, after = {**own, **self.before.options}, {**own, **self.instance.options}
        names = [name.removeprefix(CREDENTIAL) for name in self.changed_data if not name.startswith(OPTION)]
        return [*names, *(name for name in own if before[name] != after[name])]

    @property
    def typed_credentials(self) -> bool:
        """Whether credentials were typed, which the browser is not given back."""
        sent = [self[CREDENTIAL + name].data for name, _field in self._secrets()] if self.is_bound else []
        return any(isinstance(value, str) and value for value in sent)

    def clean_account(self) -> str:
        account: str = self.cleaned_data["account"].strip()
        rows = Processor.objects.filter(kind=self.connector.kind, account=account)
        twin = rows.exclude(pk=self.instance.pk).first()
        if twin is not None:
            raise ValidationError(_("“%(name)s” already uses this account."), params={"name": twin.name})
        return account

    def clean(self) -> dict[str, Any] | None:
        """Typed credentials replace stored ones, each by itself; at another server none are kept."""
        cleaned = super().clean()
        typed = {name: self.cleaned_data.get(CREDENTIAL + name) for name, _field in self._secrets()}
        options = self._options()
        moved = accounts.moved(
            self.connector.kind,
            before=self.before,
            base_url=self.cleaned_data.get("base_url", self.before.base_url),
            options=options,
        )
        for name, address in moved.items():
            if not typed[name]:
                self._ask_again(name, address)
        kept = {name: value for name, value in self.before.credentials.items() if not typed.get(name)}
        replaced = {name: value for name, value in typed.items() if value and value is not REMOVED}
        self.instance.credentials = {**kept, **replaced}
        self.instance.options = options
        return cleaned

    def _options(self) -> dict[str, str]:
        """What was chosen, as text; what is as its kind has it is not stored, and what was mistyped stays as it is."""
        options = dict(self.before.options)
        for option in self.connector.options:
            if OPTION + option.name not in self.cleaned_data:
                continue
            value = self.cleaned_data[OPTION + option.name]
            text = "" if value is None else str(value).replace("\r\n", "\n")
            options.pop(option.name, None)
            if text and text != option.default:
                options[option.name] = text
        return options

    def _ask_again(self, name: str, address: str) -> None:
        if CREDENTIAL + name in self.errors:
            return
        if address == "base_url":
            sentence = _("The API address points to another server. Enter this credential again for it.")
        else:
            label = self.fields[OPTION + address].label
            sentence = _("“%(label)s” points to another server. Enter this credential again for it.") % {
                "label": label
            }
        self.add_error(CREDENTIAL + name, sentence)
        bound: Any = self[CREDENTIAL + name]
        bound.help_text = str(bound.field.secret.help)  # an empty one is not kept now


def form_for(kind: str) -> type[ProcessorForm]:
    """The form for one kind: a password-like input for each of its credentials, a field for each option."""
    found = connector_class(kind)
    own = sections(found, adding=True, may_change=True)
    names = {name for _title, section in own for name in section["fields"]}
    more: dict[str, Any] = {
        **{CREDENTIAL + secret.name: SecretField(secret) for secret in found.secrets},
        **{OPTION + option.name: option_field(option) for option in found.options},
        # Django's word for leaving out a field that a parent declares.
        **dict.fromkeys(set(ProcessorForm.declared_fields) - names),
    }
    columns = [name for name in ProcessorForm.Meta.fields if name in names]
    meta = type("Meta", (ProcessorForm.Meta,), {"fields": columns})
    metaclass: Any = type(ProcessorForm)
    made: type[ProcessorForm] = metaclass(
        f"{found.__name__}Form", (ProcessorForm,), {"connector": found, "Meta": meta, **more}
    )
    return made

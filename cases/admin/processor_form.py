"""What a person may type about a processor, and one sentence for every mistake."""

import re
from functools import lru_cache
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from cryptography import x509
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.limits import spell
from integrations.models import Processor
from integrations.registry import connector_class
from integrations.types import Budget

PREFIX: Final = "credential_"

_HOST: Final = re.compile(
    r"(?=.{1,253}(:|$))[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*(:\d{1,5})?",
    re.ASCII,
)


class HostsField(forms.CharField):
    """One host a line, as a list."""

    widget = forms.Textarea(attrs={"rows": 3, "class": "code"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        hosts = [line.strip().lower() for line in str(value or "").splitlines() if line.strip()]
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise ValidationError(_("“%(host)s” is not the name of a host."), params={"host": host})
        return hosts

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (initial or []))
        except ValidationError:
            return True


class CertificatesField(forms.CharField):
    """PEM certificates to trust. A key, a request or an expired certificate is not one."""

    widget = forms.Textarea(attrs={"rows": 4, "class": "code", "spellcheck": "false"})

    def to_python(self, value: Any) -> str:
        text = str(value or "").replace("\r\n", "\n").strip()
        if not text:
            return ""
        if "PRIVATE KEY" in text:
            raise ValidationError(
                _("This holds a private key. Paste certificates only, and treat that key as known.")
            )
        try:
            found = x509.load_pem_x509_certificates(text.encode())
        except ValueError:
            found = []
        if not found or len(found) != text.count("-----BEGIN "):
            raise ValidationError(
                _("Paste whole PEM certificates, from -----BEGIN to -----END CERTIFICATE-----.")
            )
        for certificate in found:
            if certificate.not_valid_after_utc < timezone.now():
                raise ValidationError(
                    _("The certificate of “%(subject)s” expired on %(day)s."),
                    params={
                        "subject": certificate.subject.rfc4514_string(),
                        "day": f"{certificate.not_valid_after_utc:%Y-%m-%d}",
                    },
                )
        return text + "\n"


class ProcessorForm(forms.ModelForm):
    """For one kind; `form_for` adds its credentials. What is stored of those is never sent to the browser."""

    kind: ClassVar[str] = ""

    base_url = forms.CharField(
        label=gettext_lazy("API address"), max_length=200, widget=forms.URLInput(attrs={"class": "vURLField"})
    )
    certificate_hosts = HostsField(label=gettext_lazy("Certificate hosts"), required=False)
    extra_tls_roots = CertificatesField(label=gettext_lazy("Extra roots for connections"), required=False)
    extra_signing_roots = CertificatesField(label=gettext_lazy("Extra roots for signatures"), required=False)
    budget_share = forms.IntegerField(label=gettext_lazy("Share of the limit"), min_value=1, max_value=100)

    class Meta:
        model = Processor
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "limits": forms.Textarea(attrs={"rows": 3, "class": "code", "spellcheck": "false"})
        }
        fields = (
            "name",
            "account",
            "environment",
            "base_url",
            "processor_domain",
            "certificate_hosts",
            "extra_tls_roots",
            "extra_signing_roots",
            "limits",
            "budget_share",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(ProcessorForm.declared_fields) & set(self.fields):
            # Declared anew for what they refuse; words and defaults stay the model's.
            column: Any = Processor._meta.get_field(name)
            self.fields[name].help_text = column.help_text
            self.fields[name].initial = column.get_default()
        if "limits" in self.fields:
            # What holds while it is empty, written as it would be typed.
            self.fields["limits"].widget.attrs["placeholder"] = spell(_own_limits(self.kind))
        if self.instance._state.adding:
            self.instance.kind = self.kind
            return
        for name in [secret.name for secret in connector_class(self.kind).secrets]:
            field = self.fields.get(PREFIX + name)
            if field is not None and self.instance.credentials.get(name):
                field.required = False
                field.help_text = _("Stored. Leave empty to keep it.")

    @property
    def changed(self) -> list[str]:
        """The names of what was changed, credentials by their own."""
        return [name.removeprefix(PREFIX) for name in self.changed_data]

    def clean_base_url(self) -> str:
        address: str = self.cleaned_data["base_url"].strip().rstrip("/")
        try:
            parts = urlsplit(address)
            port_is_fine = parts.port is None or parts.port > 0
        except ValueError:
            raise ValidationError(_("This is not an address.")) from None
        if parts.scheme != "https":
            raise ValidationError(_("The API address must begin with https://."))
        if not parts.hostname or not port_is_fine:
            raise ValidationError(_("The API address names no host."))
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValidationError(_("The API address may hold a host and a path, nothing else."))
        return address

    def clean_processor_domain(self) -> str:
        domain: str = self.cleaned_data["processor_domain"].strip().lower()
        if not domain and connector_class(self.kind).default_domain:
            return ""
        if not _HOST.fullmatch(domain) or ":" in domain:
            raise ValidationError(_("“%(domain)s” is not the name of a domain."), params={"domain": domain})
        return domain

    def clean_account(self) -> str:
        account: str = self.cleaned_data["account"].strip()
        twin = Processor.objects.filter(kind=self.kind, account=account).exclude(pk=self.instance.pk).first()
        if twin is not None:
            raise ValidationError(_("“%(name)s” is this account already."), params={"name": twin.name})
        return account

    def clean(self) -> dict[str, Any] | None:
        """Typed credentials replace stored ones, each by itself.

        At another host none are kept: whoever may change an address could otherwise have stored credentials, which
        are shown to nobody, sent to a server of their own.
        """
        stored_at = self.instance.base_url  # the form puts what was typed there only after this
        cleaned = super().clean()
        names = [secret.name for secret in connector_class(self.kind).secrets]
        typed = {name: str(value) for name in names if (value := self.cleaned_data.get(PREFIX + name))}
        moved = not self.instance._state.adding and _server(self.cleaned_data.get("base_url", stored_at)) != (
            _server(stored_at)
        )
        for name in names:
            if moved and name not in typed and PREFIX + name in self.fields:
                self.add_error(
                    PREFIX + name, _("The API address names another server: type this again for it.")
                )
        if typed:
            self.instance.credentials = {**self.instance.credentials, **typed}
        return cleaned


def _server(address: str) -> tuple[str | None, int]:
    parts = urlsplit(address)
    return parts.hostname, parts.port or 443


@lru_cache
def form_for(kind: str) -> type[ProcessorForm]:
    """The form for one kind of processor: a password-like input for each of its credentials."""
    inputs: dict[str, Any] = {
        PREFIX + name: forms.CharField(
            label=name.replace("_", " ").capitalize(),
            max_length=500,
            widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
        )
        for name in [secret.name for secret in connector_class(kind).secrets]
    }
    metaclass: Any = type(ProcessorForm)
    made: type[ProcessorForm] = metaclass(f"{kind}Form", (ProcessorForm,), {"kind": kind, **inputs})
    return made


def _own_limits(kind: str) -> Budget:
    """What the vendor allows everybody."""
    return connector_class(kind)(Processor(kind=kind, data_key_id=None)).budget()

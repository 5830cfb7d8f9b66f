"""The fields of a processor's form: hosts, certificates, addresses, credentials and what its kind lets one choose."""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import lazystr
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dsrportal.models import User
from integrations.types import Option, Secret

_HOST: Final = re.compile(
    r"(?=.{1,253}(:|$))[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*(:\d{1,5})?",
    re.ASCII,
)
# What the browser sends for a credential that shall be stored no longer, or that is typed and removed at once.
REMOVED: Final = object()
_BOTH: Final = object()
_MOST_DAYS: Final = 365


class HostsField(forms.CharField):
    """One host a line, as a list."""

    widget = forms.Textarea(attrs={"rows": 3, "class": "code"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        hosts = [line.strip().lower() for line in str(value or "").splitlines() if line.strip()]
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise ValidationError(_("“%(host)s” is not a valid host name."), params={"host": host})
        return hosts

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (initial or []))
        except ValidationError:
            return True


class DomainField(forms.CharField):
    """The name of a domain, in lower case."""

    def to_python(self, value: Any) -> str:
        domain = str(super().to_python(value) or "").lower()
        if domain and (not _HOST.fullmatch(domain) or ":" in domain):
            raise ValidationError(_("“%(domain)s” is not a valid domain name."), params={"domain": domain})
        return domain


class CertificatesField(forms.CharField):
    """PEM certificates to trust. A key, a request or an expired certificate is not one."""

    widget = forms.Textarea(attrs={"rows": 4, "class": "code", "spellcheck": "false"})

    def to_python(self, value: Any) -> str:
        text = str(value or "").replace("\r\n", "\n").strip()
        if not text:
            return ""
        if "PRIVATE KEY" in text:
            raise ValidationError(
                _("This contains a private key. Paste certificates only, and treat the key as compromised.")
            )
        try:
            found = x509.load_pem_x509_certificates(text.encode())
        except ValueError:
            found = []
        if not found or len(found) != text.count("-----BEGIN "):
            raise ValidationError(
                _("Paste complete PEM certificates, from -----BEGIN to -----END CERTIFICATE-----.")
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


class AddressField(forms.CharField):
    """The address of an API, without a slash at its end."""

    def __init__(self, **more: Any) -> None:
        widget = forms.URLInput(attrs={"class": "vURLField", "spellcheck": "false"})
        super().__init__(**{"max_length": 200, "widget": widget, **more})

    def to_python(self, value: Any) -> str:
        address = str(super().to_python(value) or "").rstrip("/")
        if not address:
            return ""
        try:
            parts = urlsplit(address)
            port_is_fine = parts.port is None or parts.port > 0
        except ValueError:
            raise ValidationError(_("This is not a valid address.")) from None
        if parts.scheme != "https":
            raise ValidationError(_("The address must begin with https://."))
        if not parts.hostname or not port_is_fine:
            raise ValidationError(_("The address has no host."))
        if not _HOST.fullmatch(parts.hostname.lower()) and not parts.netloc.startswith("["):
            raise ValidationError(_("This is not a valid address."))
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValidationError(_("The address may contain only a host and a path."))
        return address


# --- credentials


class SecretInput(forms.PasswordInput):
    """What is stored is never sent to the browser, nor is what was typed; one that may go has a box to remove it."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "new-password", "class": "vTextField"})
        self.removable = False

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        typed = super().value_from_datadict(data, files, name)
        if not self.removable or f"{name}-remove" not in data:
            return typed
        return _BOTH if typed else REMOVED

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        typed = super().render(name, None, attrs, renderer)
        if not self.removable:
            return typed
        return format_html(
            '<span class="secret">{}<label class="remove"><input type="checkbox" name="{}-remove"{}>{}</label></span>',
            typed,
            name,
            " checked" if value in (REMOVED, _BOTH) else "",
            _("Remove"),
        )


class SecretField(forms.CharField):
    """Cleans to what was typed, "" for nothing, or REMOVED."""

    def __init__(self, secret: Secret) -> None:
        super().__init__(
            label=lazystr(secret.label),
            help_text=lazystr(secret.help),
            required=secret.required,
            max_length=500,
            widget=SecretInput(),
        )
        self.secret = secret

    def keeps(self) -> None:
        """One is stored: an empty input keeps it, and one that is not required may be removed."""
        widget: Any = self.widget
        widget.removable = not self.secret.required
        self.required = False
        self.help_text = " ".join(
            filter(None, (_("Stored. Leave empty to keep the stored value."), str(self.secret.help)))
        )

    def clean(self, value: Any) -> Any:
        if value is _BOTH:
            raise ValidationError(_("Enter a new value or remove the stored one, not both."))
        return value if value is REMOVED else super().clean(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return data in (REMOVED, _BOTH) or bool(data)


# --- what a kind lets one choose


def option_field(option: Option) -> forms.Field:
    """The field for it. Its value is text, whatever it is typed into."""
    common: dict[str, Any] = {
        "label": lazystr(option.label),
        "help_text": lazystr(option.help),
        "required": option.required,
    }
    if option.is_address:
        return AddressField(**common)
    if option.choices:
        return forms.ChoiceField(choices=[*_nothing(option), *option.choices], **common)
    if option.name == "assignee":
        return PersonField(**common)
    if _counts_days(option):
        fewest = 0 if option.name == "days_before" else 1
        return forms.IntegerField(min_value=fewest, max_value=_MOST_DAYS, **common)
    if option.multiline:
        return forms.CharField(max_length=10_000, widget=forms.Textarea(attrs={"rows": 4}), **common)
    return forms.CharField(max_length=200, widget=forms.TextInput(attrs={"class": "vTextField"}), **common)


def keep_offering(field: forms.Field, stored: str) -> None:
    """A stored choice that is one no longer is shown, and refused: the browser would else choose another by itself."""
    widget: Any = field.widget
    if isinstance(field, forms.ChoiceField) and stored not in dict(widget.choices):
        gone = _("%(choice)s (no longer possible)") % {"choice": stored}
        widget.choices = [*widget.choices, (stored, gone)]


class PersonField(forms.ChoiceField):
    """Somebody who works here now, by user name."""

    def __init__(self, **more: Any) -> None:
        super().__init__(choices=_people, **more)
        self.error_messages["invalid_choice"] = gettext_lazy("“%(value)s” is not an active account.")


def _people() -> list[tuple[str, str]]:
    found = User.objects.filter(is_active=True, is_staff=True).order_by("username")
    return [("", _("No one")), *((user.username, _named(user)) for user in found)]


def _named(user: User) -> str:
    full = user.get_full_name()
    return f"{user.username} ({full})" if full else user.username


def _nothing(option: Option) -> list[tuple[str, str]]:
    """The empty choice, where there is one to make or none is made yet."""
    if option.default or "" in dict(option.choices):
        return []
    return [("", _("Choose …") if option.required else "–")]


def _counts_days(option: Option) -> bool:
    return option.name == "days_before" or option.name.endswith("_days")

"""The certificates that callbacks were verified with, as they were served."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin import widgets
from cases.admin.readonly import ReadOnlyAdmin, moment
from integrations.models import SigningCertificate

Context = dict[str, Any]


@admin.register(SigningCertificate)
class SigningCertificateAdmin(ReadOnlyAdmin):
    when_empty = gettext_lazy("No certificates yet. The first signed callback adds one.")
    list_display = ("domain", "fingerprint", "state", "valid_from", "valid_until", "last_served")
    ordering = ("-last_served_at",)
    change_form_template = "admin/integrations/signingcertificate/change_form.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Context | None = None
    ) -> HttpResponse:
        certificate = self.get_object(request, object_id)
        context = {"state": validity(certificate)} if isinstance(certificate, SigningCertificate) else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    @admin.display(description=gettext_lazy("Fingerprint (SHA-256)"))
    def fingerprint(self, certificate: SigningCertificate) -> SafeString:
        return format_html('<code title="{}">{}…</code>', certificate.sha256, certificate.sha256[:16])

    @admin.display(description=gettext_lazy("Status"))
    def state(self, certificate: SigningCertificate) -> SafeString:
        return validity(certificate)

    @admin.display(description=gettext_lazy("Valid from"))
    def valid_from(self, certificate: SigningCertificate) -> str:
        return moment(certificate.not_before)

    @admin.display(description=gettext_lazy("Valid until"))
    def valid_until(self, certificate: SigningCertificate) -> str:
        return moment(certificate.not_after)

    @admin.display(description=gettext_lazy("Last retrieved"))
    def last_served(self, certificate: SigningCertificate) -> str:
        return moment(certificate.last_served_at)


def validity(certificate: SigningCertificate) -> SafeString:
    """Whether its dates are good today; the chain was checked when it came."""
    now = timezone.now()
    if now > certificate.not_after:
        return widgets.badge(_("Expired"), "bad")
    if now < certificate.not_before:
        return widgets.badge(_("Not yet valid"), "warn")
    return widgets.badge(_("Valid"), "good")

"""The accounts we speak to, and the certificates they sign with."""

import secrets
import uuid
from typing import Any, ClassVar

from django.core.validators import URLValidator
from django.db import models
from django.db.models import Exists, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy, gettext_noop

from dsrportal.fields import EncryptedJSONField, SealedModel
from dsrportal.models import DataKey
from dsrportal.sentence import Sentence
from integrations import limits
from integrations.registry import KINDS, connector_class


def new_callback_token() -> str:
    """Unguessable part of a callback address: 256 bits, URL-safe."""
    return secrets.token_urlsafe(32)


def portal_key() -> uuid.UUID:
    """The key that the portal's own credentials are encrypted under."""
    key: uuid.UUID = DataKey.shared(DataKey.Purpose.PORTAL).pk
    return key


def kinds() -> list[tuple[str, Sentence]]:
    """Called anew by each form and migration: a new kind needs no migration."""
    return [(kind, label) for kind, (label, _) in KINDS.items()]


class Environment(models.TextChoices):
    PRODUCTION = "production", gettext_lazy("Production")
    DEVELOPMENT = "development", gettext_lazy("Development")


class SendingPause(models.Model):
    """The pause of all sending to processors: one row, made by a migration. Callbacks are taken regardless."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    # One word for why, as of a processor.
    paused_reason = models.CharField(max_length=32, blank=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = gettext_lazy("pause of all sending")
        default_permissions = ()
        permissions: ClassVar[list[Any]] = [
            ("pause_outgoing", gettext_noop("Can pause and resume all sending"))
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=Q(id=1), name="outgoing_is_one_row"),
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True, paused_reason="")
                | (Q(paused_at__isnull=False) & ~Q(paused_reason="")),
                name="outgoing_paused_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return "paused" if self.paused_at else "running"


class ProcessorSet(models.QuerySet["Processor"]):
    def sending(self) -> "ProcessorSet":
        """Those to which something may be sent now: neither they nor everything outgoing is paused."""
        return self.filter(paused_at=None).exclude(
            Exists(SendingPause.objects.filter(paused_at__isnull=False))
        )


class Processor(SealedModel):
    """One real account at a system that holds personal data for us."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    data_key = models.ForeignKey(
        DataKey, on_delete=models.PROTECT, default=portal_key, editable=False, related_name="+"
    )
    kind = models.CharField(gettext_lazy("kind"), max_length=32, choices=kinds)
    name = models.CharField(
        gettext_lazy("name"),
        max_length=100,
        unique=True,
        help_text=gettext_lazy("Your team’s name for this account."),
    )
    account = models.CharField(
        gettext_lazy("account"),
        max_length=100,
        help_text=gettext_lazy("The system’s own name for this account. One processor per account."),
    )
    environment = models.CharField(
        gettext_lazy("environment"),
        max_length=16,
        choices=Environment.choices,
        default=Environment.PRODUCTION,
    )
    credentials = EncryptedJSONField(key="data_key", default=dict)
    # What its kind lets one choose, by the names of `Connector.options`; no secrets.
    options = models.JSONField(default=dict, blank=True)
    base_url = models.URLField(
        gettext_lazy("API address"),
        validators=[URLValidator(schemes=["https"])],
        blank=True,
        default="",
        help_text=gettext_lazy("Leave empty for the vendor's default."),
    )
    processor_domain = models.CharField(
        max_length=253,
        blank=True,
        default="",
        help_text=gettext_lazy(
            "The domain that callbacks must name and whose certificate must sign them. Leave empty for "
            "the vendor's default."
        ),
    )
    certificate_hosts = models.JSONField(
        default=list,
        blank=True,
        help_text=(
            gettext_lazy(
                "Further hosts that the signing certificate may be fetched from, in addition to the API "
                "host and the vendor's own."
            )
        ),
    )
    extra_tls_roots = models.TextField(
        blank=True,
        help_text=gettext_lazy(
            "PEM. Trusted in addition to the public roots for connections to this processor."
        ),
    )
    extra_signing_roots = models.TextField(
        blank=True,
        help_text=gettext_lazy(
            "PEM. Trusted in addition to the public roots for certificates that sign its callbacks."
        ),
    )
    limits = models.TextField(
        blank=True,
        default="",
        validators=[limits.validate],
        help_text=(
            gettext_lazy(
                "What the vendor allows this account, one limit per line, such as “1000 calls in 60 s” "
                "or “80000 new requests in 24 h”. Leave empty for the vendor's general limits."
            )
        ),
    )
    budget_share = models.PositiveSmallIntegerField(
        default=80, help_text=gettext_lazy("Percentage of each limit that the portal uses.")
    )
    callback_token = models.CharField(max_length=64, unique=True, default=new_callback_token, editable=False)
    # Set on the first answer that carried our account: proof that the key belongs to the workspace.
    account_proven_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    # One word for why: `credentials`, `account_mismatch`, `by_hand`.
    paused_reason = models.CharField(max_length=32, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProcessorSet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("processor")
        verbose_name_plural = gettext_lazy("processors")
        ordering: ClassVar[list[str]] = ["name"]
        permissions: ClassVar[list[Any]] = [
            ("pause_processor", gettext_noop("Can pause and resume a processor")),
            ("test_processor", gettext_noop("Can test a processor's connection")),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["kind", "account"], name="processor_kind_account_unique"),
            models.CheckConstraint(
                condition=Q(budget_share__gte=1, budget_share__lte=100), name="processor_budget_share_percent"
            ),
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True, paused_reason="")
                | (Q(paused_at__isnull=False) & ~Q(paused_reason="")),
                name="processor_paused_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def api_address(self) -> str:
        """Where its API is, without a slash at the end; "" for a kind that has none."""
        return (self.base_url or connector_class(self.kind).default_base_url).rstrip("/")

    @property
    def domain(self) -> str:
        """What its callbacks must name, in lower case; "" for a kind that does not call back."""
        return (self.processor_domain or connector_class(self.kind).default_domain).lower()

    def option(self, name: str) -> str:
        """What was chosen, or what holds where nothing was. Raises KeyError for a name its kind does not have."""
        defaults = {option.name: option.default for option in connector_class(self.kind).options}
        return str(self.options.get(name) or "") or defaults[name]

    @property
    def callback_path(self) -> str:
        return reverse("opendsr-callback", args=[self.callback_token])


class SigningCertificate(models.Model):
    """A certificate chain that a processor's callbacks were verified with; evidence, never deleted."""

    sha256 = models.CharField(
        max_length=64,
        primary_key=True,
        help_text=gettext_lazy("Fingerprint of the leaf certificate, hexadecimal."),
    )
    domain = models.CharField(gettext_lazy("domain"), max_length=253)
    # The bundle as it was served: leaf first, then untrusted intermediates.
    pem = models.TextField()
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()
    fetched_at = models.DateTimeField(auto_now_add=True)
    # Each fetch that gave this certificate again moves it on: the last one served is the one to try first.
    last_served_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = gettext_lazy("signing certificate")
        verbose_name_plural = gettext_lazy("signing certificates")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["domain", "-last_served_at"], name="signing_certificate_current")
        ]

    def __str__(self) -> str:
        return f"{self.domain} {self.sha256[:16]}"

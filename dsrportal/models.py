"""Users, and the data keys under which everything personal is encrypted."""

import time
import uuid
import zoneinfo
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser
from django.core import checks
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models.signals import post_migrate
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy

from dsrportal import crypto
from dsrportal.database import bulk_insert


def validate_time_zone(name: str) -> None:
    """Refuses what is not the IANA name of a time zone."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            gettext_lazy("“%(name)s” is not the name of a time zone, such as Europe/Berlin."),
            params={"name": name},
        )


class Language(models.TextChoices):
    """What the portal speaks; the names are those of settings.LANGUAGES, each in its own language."""

    BROWSER = "", gettext_lazy("Browser setting")
    ENGLISH = "en", "English"
    GERMAN = "de", "Deutsch"


class User(AbstractUser):
    """Someone who works in the portal."""

    # The zone times are shown in; legal deadlines have the zone of their clock, never this one.
    time_zone = models.CharField(
        gettext_lazy("time zone"), max_length=64, default="UTC", validators=[validate_time_zone]
    )
    language = models.CharField(
        gettext_lazy("language"), max_length=8, blank=True, default=Language.BROWSER, choices=Language.choices
    )


class DataKey(models.Model):
    """A random AES-256 key, wrapped by a master key. Destroying it shreds everything it covers.

    The secret is never stored or cached in clear. A row is made by `make` or `shared` and changes only through
    `rewrap` and `destroy`.
    """

    class Purpose(models.TextChoices):
        SUBJECT = "subject", "identities of one person"
        CASE = "case", "notes, files and packages of one case"
        PORTAL = "portal", "credentials"
        EVIDENCE = "evidence", "callback bodies and headers"
        INDEX = "index", "blind indexes"
        IMPORT = "import", "the file of one import"

    # Of these there is one key for the whole portal, and it is never destroyed.
    SHARED: ClassVar[tuple[str, ...]] = (Purpose.PORTAL, Purpose.EVIDENCE, Purpose.INDEX)
    SHARED_CACHE_SECONDS: ClassVar[float] = 60.0

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(max_length=16, choices=Purpose.choices, editable=False)
    wrapped = models.BinaryField(null=True, editable=False)
    master_key_id = models.CharField(max_length=32, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    destroyed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="datakey_purpose_valid",
                condition=models.Q(purpose__in=["subject", "case", "portal", "evidence", "index", "import"]),
            ),
            models.CheckConstraint(
                name="datakey_destroyed_iff_unwrapped",
                condition=models.Q(wrapped__isnull=True, destroyed_at__isnull=False)
                | models.Q(wrapped__isnull=False, destroyed_at__isnull=True),
            ),
            models.UniqueConstraint(
                name="datakey_one_shared_per_purpose",
                fields=["purpose"],
                condition=models.Q(purpose__in=["portal", "evidence", "index"], destroyed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} key {self.id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert a new key. Raises TypeError for one that is stored already."""
        # A stale copy in memory could bring a destroyed key back.
        if not self._state.adding:
            raise TypeError("A data key is changed only by destroy() and rewrap().")
        super().save(*args, **kwargs)

    @classmethod
    def make(cls, purpose: str) -> Self:
        """A new key of 32 random bytes, wrapped by the current master key and stored."""
        return cls.make_many(purpose, 1)[0]

    @classmethod
    def make_many(cls, purpose: str, count: int) -> list[Self]:
        """So many new keys at once."""
        rows = []
        for _ in range(count):
            row_id = uuid.uuid4()
            wrapped, master_key_id = crypto.wrap(row_id, purpose, crypto.new_key())
            rows.append(cls(id=row_id, purpose=purpose, wrapped=wrapped, master_key_id=master_key_id))
        return bulk_insert.insert(cls, rows)

    @classmethod
    def shared(cls, purpose: str) -> "DataKey":
        """The portal's one key of that purpose, made at first use; remembered in this process for a minute.

        Raises ValueError for a purpose that has no shared key.
        """
        if purpose not in cls.SHARED:
            raise ValueError(f"There is no shared key of purpose {purpose!r}: use DataKey.make().")
        remembered = _shared.get(purpose)
        if remembered and remembered[0] > time.monotonic():
            return remembered[1]
        live = DataKey.objects.filter(purpose=purpose, destroyed_at__isnull=True)
        row = live.first() or cls._make_shared(purpose) or live.get()
        if row.id not in _uncommitted:
            _shared[purpose] = (time.monotonic() + cls.SHARED_CACHE_SECONDS, row)
        return row

    @staticmethod
    def _make_shared(purpose: str) -> "DataKey | None":
        """The new key, or None when another process made it in the same moment."""
        try:
            with transaction.atomic():
                row = DataKey.make(purpose)
        except IntegrityError:
            return None
        # Not remembered before it is committed: a key that is rolled back must not outlive its row.
        _uncommitted.add(row.id)
        transaction.on_commit(lambda: _uncommitted.discard(row.id))
        return row

    @staticmethod
    def forget_shared() -> None:
        """Empties this process's memory of the shared keys."""
        _shared.clear()

    def secret(self) -> bytes:
        """The key itself. `KeyDestroyed` or `WrongKey` when there is none to be had."""
        return crypto.unwrap(self)

    def destroy(self) -> None:
        """Shred the key of a person, a case or an import; a second time changes nothing.

        PostgreSQL keeps the old row version until VACUUM, and backups keep it until they expire.
        Raises ValueError for a key that the whole portal shares.
        """
        if self.purpose in self.SHARED:
            raise ValueError(f"The {self.purpose} key is shared by the whole portal and is never destroyed.")
        now = timezone.now()
        DataKey.objects.filter(pk=self.pk, wrapped__isnull=False).update(wrapped=None, destroyed_at=now)
        self.refresh_from_db(fields=["wrapped", "destroyed_at"])

    def rewrap(self) -> bool:
        """Wraps the key anew under the current master key. False when it changed or was destroyed meanwhile."""
        old = self.wrapped
        wrapped, master_key_id = crypto.wrap(self.id, self.purpose, self.secret())
        # Compare-and-set: a key destroyed by someone else in this moment must stay destroyed.
        changed = DataKey.objects.filter(pk=self.pk, wrapped=old).update(
            wrapped=wrapped, master_key_id=master_key_id
        )
        if changed:
            self.wrapped, self.master_key_id = wrapped, master_key_id
        return bool(changed)

    @classmethod
    def check(cls, **kwargs: Any) -> list[checks.CheckMessage]:
        """Django's model checks; when a database is named (as `migrate` does), the master keys against it too."""
        messages: list[checks.CheckMessage] = list(super().check(**kwargs))
        for alias in kwargs.get("databases") or []:
            try:
                crypto.verify_keyring(using=alias)
            except ImproperlyConfigured as problem:
                messages.append(checks.Error(str(problem), obj=cls, id="dsrportal.E001"))
        return messages


_shared: dict[str, tuple[float, DataKey]] = {}
_uncommitted: set[uuid.UUID] = set()


@receiver(post_migrate)
def _forget_shared_after_flush(**_kwargs: object) -> None:
    # `flush` empties the table and sends this signal.
    DataKey.forget_shared()

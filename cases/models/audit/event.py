"""The audit trail: append-only events in chains that can be verified.

The database does the chaining (migration `audit_trail_is_chained`): a trigger takes the chain head's row
lock, numbers the event, hashes it with its predecessor and moves the head. The role the portal runs as can
insert events and read heads, nothing else, so that not even raw SQL of ours can put an event elsewhere.
"""

from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from cases.actor import Source
from cases.models.audit import slots
from cases.models.audit.actions import Action
from cases.models.case import Case
from integrations.models import Processor

PORTAL_CHAIN = "portal"


class _Slots(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


class _AnySlots(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


def in_general(action: Action) -> str:
    """Its sentence without the particulars of any event."""
    return str(action.label).format_map(_AnySlots())


class AppendOnly(TypeError):
    """Someone tried to change or delete what may only be added to."""

    def __init__(self) -> None:
        super().__init__("Audit events can be added and read, never changed or deleted.")


class AuditChain(models.Model):
    """The head of one chain: `portal`, or `case:<id>`. Written by the database's trigger alone."""

    name = models.CharField(max_length=40, primary_key=True)
    sequence = models.BigIntegerField()
    head = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return self.name


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def update(self, **kwargs: Any) -> NoReturn:
        """Raises AppendOnly: an event is never changed."""
        raise AppendOnly

    def delete(self) -> NoReturn:
        """Raises AppendOnly: an event is never deleted."""
        raise AppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises AppendOnly: an event is never changed."""
        raise AppendOnly

    update.alters_data = True  # type: ignore[attr-defined]
    delete.alters_data = True  # type: ignore[attr-defined]


_HAS_ACTOR = Q(actor__isnull=False)
_HAS_PROCESSOR = Q(processor__isnull=False)
_HAS_ADDRESS = Q(address__isnull=False)
_HAS_LABEL = Q(actor_label__gt="")
_RARE_SOURCE = Q(source__in=[Source.ADMIN, Source.COMMAND, Source.API])


class AuditEvent(models.Model):
    """One fact. `canonical` is the RFC 8785 form of everything below it, and what the hash covers."""

    chain = models.CharField(max_length=40)
    sequence = models.BigIntegerField(default=0)
    at = models.DateTimeField(gettext_lazy("when"), db_index=True)
    action = models.CharField(max_length=48)  # an Action
    case = models.ForeignKey(
        Case, on_delete=models.PROTECT, null=True, blank=True, related_name="audit_events"
    )
    processor = models.ForeignKey(
        Processor, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    # Copied, since an account may be renamed.
    actor_label = models.CharField(max_length=150, blank=True)
    source = models.CharField(gettext_lazy("source"), max_length=16, choices=Source.choices)
    address = models.GenericIPAddressField(gettext_lazy("address"), null=True, blank=True)
    reason = models.CharField(max_length=48, blank=True)
    details = models.JSONField(default=dict)
    canonical = models.TextField()
    previous_hash = models.BinaryField(max_length=32, default=b"")
    hash = models.BinaryField(max_length=32, default=b"")

    objects: ClassVar[Any] = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("audit event")
        verbose_name_plural = gettext_lazy("audit events")
        ordering: ClassVar[list[str]] = ["id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["chain", "sequence"], name="audit_chain_sequence_unique"),
        ]
        # Each in the list's order, so that a page of what was narrowed to is read and no more. Named here, since a
        # field's own index on text brings a second one for LIKE. What most events are without is left out of it.
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["action", "-at"], name="audit_by_action"),
            models.Index(fields=["processor", "-at"], name="audit_by_processor", condition=_HAS_PROCESSOR),
            models.Index(fields=["actor", "-at"], name="audit_by_actor", condition=_HAS_ACTOR),
            models.Index(fields=["actor_label", "-at"], name="audit_by_label", condition=_HAS_LABEL),
            models.Index(fields=["address", "-at"], name="audit_by_address", condition=_HAS_ADDRESS),
            # The other sources write most of the trail, and so are found on any page of it.
            models.Index(fields=["source", "-at"], name="audit_by_source", condition=_RARE_SOURCE),
            # Who searched for a person: their keys are in the details of that event.
            GinIndex(
                fields=["details"],
                name="audit_searches",
                condition=Q(action=Action.IDENTITY_SEARCHED),
                opclasses=["jsonb_path_ops"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.chain} #{self.sequence} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert a new event. Raises AppendOnly for one that is stored already."""
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises AppendOnly: an event is never deleted."""
        raise AppendOnly

    @property
    def sentence(self) -> str:
        """What a timeline shows. A slot that an old event lacks stays visible as a question mark."""
        try:
            action = Action(self.action)
        except ValueError:
            return self.action  # of another version of the portal, or not written by it
        words = {slot: slots.in_words(slot, value) for slot, value in self.details.items()}
        return str(action.label).format_map(_Slots(words))

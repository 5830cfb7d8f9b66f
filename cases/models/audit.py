"""The audit trail: append-only events in chains that can be verified.

The database does the chaining (migration `audit_trail_is_chained`): a trigger takes the chain head's row
lock, numbers the event, hashes it with its predecessor and moves the head. The role the portal runs as can
insert events and read heads, nothing else, so that not even raw SQL of ours can put an event elsewhere.
"""

from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from cases.actor import Source
from cases.models import audit_slots
from cases.models.case import Case
from integrations.models import Processor

PORTAL_CHAIN = "portal"


class Action(models.TextChoices):
    """Everything that can happen, in the past tense, with the sentence that a timeline shows for it.

    Slots are names in `details`; none of them can hold personal data.
    """

    CASE_OPENED = (
        "case.opened",
        gettext_lazy("Opened the case ({type}, {regulation}); identities given: {identities}"),
    )
    CLOCK_STARTED = "case.clock_started", gettext_lazy("Response due {due_on} ({rule})")
    CASE_VERIFIED = "case.verified", gettext_lazy("Recorded verification: {method}")
    CASE_ASSIGNED = "case.assigned", gettext_lazy("Assigned the case to {account}")
    CASE_DEFERRED = "case.deferred", gettext_lazy("Deferred the case until {until}")
    CASE_TAGGED = "case.tagged", gettext_lazy("Changed the tags: added {added}, removed {removed}")
    CASE_PLANNED = "case.planned", gettext_lazy("Planned the processor requests ({requests})")
    CASE_PLAN_CHANGED = (
        "case.plan_changed",
        gettext_lazy("Changed the plan: {requests} requests, {skipped} processors left out"),
    )
    CASE_IDENTITIES_CHANGED = (
        "case.identities_changed",
        gettext_lazy("Changed the identities: {added} added, {removed} removed"),
    )
    CASE_QUEUED = "case.queued", gettext_lazy("Queued the requests: this type needs no approval")
    CASE_APPROVED = "case.approved", gettext_lazy("Approved the plan")
    APPROVAL_VOIDED = "case.approval_voided", gettext_lazy("The approval no longer holds: {what} changed")
    CASE_HELD = "case.held", gettext_lazy("Held: waits for {other}")
    CASE_RELEASED = "case.released", gettext_lazy("Released from waiting for {other}")
    CASE_DENIED = "case.denied", gettext_lazy("Denied the case")
    CASE_WITHDRAWN = "case.withdrawn", gettext_lazy("Recorded that the person withdrew")
    CASE_STATUS_CHANGED = "case.status_changed", gettext_lazy("Case moved from {from} to {to}")
    CASE_CLOSED = "case.closed", gettext_lazy("Closed the case as {outcome}")
    CASE_REOPENED = "case.reopened", gettext_lazy("Reopened the case")
    REQUEST_STATUS_CHANGED = "request.status_changed", gettext_lazy("{processor}: {from} to {to}")
    REQUEST_ANSWERED = "request.answered", gettext_lazy("{processor} answered: {answer}")
    REQUEST_RETRIED = "request.retried", gettext_lazy("Queued the request to {processor} again")
    REQUEST_REFRESHED = "request.refreshed", gettext_lazy("Asked {processor} where the request stands")
    CANCEL_REQUESTED = "request.cancel_requested", gettext_lazy("Asked {processor} to cancel")
    CANCEL_REFUSED = "request.cancel_refused", gettext_lazy("{processor} did not cancel")
    PROFILE_SEARCHED = (
        "profile.searched",
        gettext_lazy("Asked {processor} whether it knows the person: {finding}"),
    )
    TASK_CREATED = "task.created", gettext_lazy("Made a task by hand for {processor}, due {due_on}")
    TASK_ASSIGNED = "task.assigned", gettext_lazy("Assigned the task at {processor} to {account}")
    TASK_ATTESTED = "task.attested", gettext_lazy("Attested the work at {processor}: {answer}")
    FORWARDING_CHANGED = "forwarding.changed", gettext_lazy("{processor} reports {partner}: {to}")
    RESULT_FETCHED = (
        "result.fetched",
        gettext_lazy("Fetched the result from {processor} ({size_bytes} bytes)"),
    )
    RESULT_MISSED = "result.missed", gettext_lazy("The result at {processor} could not be kept: {state}")
    RESULT_EXPIRED = "result.expired", gettext_lazy("Deleted the result package after its expiry")
    RESULT_SEALED = "result.sealed", gettext_lazy("Kept the result from {processor} sealed: {doubt}")
    RESULT_DROPPED = (
        "result.dropped",
        gettext_lazy("Dropped the result from {processor} ({state}) to fetch it again"),
    )
    RESULT_VIEWED = "result.viewed", gettext_lazy("Looked at what the result package holds")
    RESULT_DOWNLOADED = "result.downloaded", gettext_lazy("Downloaded the result package")
    RESULT_REDACTED = (
        "result.redacted",
        gettext_lazy("Downloaded the result package without {left_out} parts"),
    )
    IDENTITIES_REVEALED = "identity.revealed", gettext_lazy("Revealed the identities ({identities})")
    IDENTITY_SEARCHED = "identity.searched", gettext_lazy("Searched by an identity ({found} found)")
    ATTENTION_OPENED = "attention.opened", gettext_lazy("Needs attention: {kind}")
    ATTENTION_RESOLVED = "attention.resolved", gettext_lazy("Attention settled: {kind} ({resolution})")
    PROCESSOR_CREATED = "processor.created", gettext_lazy("Added the processor {processor}")
    PROCESSOR_CHANGED = "processor.changed", gettext_lazy("Changed {fields} of {processor}")
    PROCESSOR_PAUSED = "processor.paused", gettext_lazy("Paused {processor}")
    PROCESSOR_RESUMED = "processor.resumed", gettext_lazy("Resumed {processor}")
    OUTGOING_PAUSED = "outgoing.paused", gettext_lazy("Paused everything outgoing")
    OUTGOING_RESUMED = "outgoing.resumed", gettext_lazy("Resumed everything outgoing")
    PROCESSOR_TESTED = "processor.tested", gettext_lazy("Tested the connection to {processor}: {result}")
    KEYS_ROTATED = "key.rotated", gettext_lazy("Wrapped {count} data keys under the current master key")
    AUDIT_EXPORTED = "audit.exported", gettext_lazy("Exported {count} audit events")
    USER_LOGGED_IN = "user.logged_in", gettext_lazy("Logged in")
    USER_LOGGED_OUT = "user.logged_out", gettext_lazy("Logged out")
    USER_LOGIN_FAILED = "user.login_failed", gettext_lazy("A log-in failed")
    USER_LOCKED_OUT = "user.locked_out", gettext_lazy("A log-in was locked out")
    USER_CREATED = "user.created", gettext_lazy("Created the account {account}")
    USER_CHANGED = "user.changed", gettext_lazy("Changed {fields} of {account}")
    PASSWORD_CHANGED = "user.password_changed", gettext_lazy("Changed the password of {account}")
    ROLES_CHANGED = (
        "user.roles_changed",
        gettext_lazy("Changed roles of {account}: added {added}, removed {removed}"),
    )
    ROLE_CHANGED = "role.changed", gettext_lazy("Changed what the role {role} may do")


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
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    update.alters_data = True  # type: ignore[attr-defined]
    delete.alters_data = True  # type: ignore[attr-defined]


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
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
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
        # Named here, since a field's own index on text brings a second one for LIKE.
        indexes: ClassVar[list[Any]] = [models.Index(fields=["action", "-at"], name="audit_by_action")]

    def __str__(self) -> str:
        return f"{self.chain} #{self.sequence} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    @property
    def sentence(self) -> str:
        """What a timeline shows. A slot that an old event lacks stays visible as a question mark."""
        if self.action not in Action.values:
            return self.action  # of another version of the portal, or not written by it
        words = {slot: audit_slots.in_words(slot, value) for slot, value in self.details.items()}
        return str(Action(self.action).label).format_map(_Slots(words))

"""The data subject and the identities they are known by."""

import uuid
from typing import Any, ClassVar

from django.db import models

from dsrportal.crypto import blind_index
from dsrportal.fields import EncryptedTextField, SealedModel
from dsrportal.models import DataKey
from integrations.types import IdentityType


class DataSubject(models.Model):
    """A person. Each case has its own until two are linked, which happens only after verification."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    data_key = models.OneToOneField(DataKey, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"Data subject {self.pk}"


class SubjectIdentityQuerySet(models.QuerySet["SubjectIdentity"]):
    def matching(self, value: str) -> "SubjectIdentityQuerySet":
        """Exact matches of a value under any identity type, through the blind index."""
        return self.filter(blind_index__in=[blind_index(kind, value) for kind in IdentityType.values])


class SubjectIdentity(SealedModel):
    """One identity: the value exactly as typed, encrypted, beside a keyed index of its normal form."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="identities")
    type = models.CharField(max_length=32, choices=IdentityType.choices)
    value = EncryptedTextField(key="subject.data_key")
    blind_index = models.BinaryField(max_length=32, db_index=True)
    position = models.PositiveSmallIntegerField(default=0)
    # When it was shown that the person is known by it; what was added since has to be shown anew.
    verified_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[Any] = SubjectIdentityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "subject identities"
        ordering: ClassVar[list[str]] = ["position"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["subject", "blind_index"], name="identity_once_per_subject"),
            models.CheckConstraint(
                condition=models.Q(type__in=IdentityType.values), name="identity_type_known"
            ),
        ]

    def __str__(self) -> str:
        # Never the value: Django puts str() into messages, logs and error pages.
        return f"{self.get_type_display()} identity"

    @classmethod
    def of(cls, subject: DataSubject, *, type: str, value: str, position: int) -> "SubjectIdentity":
        return cls(
            subject=subject, type=type, value=value, blind_index=blind_index(type, value), position=position
        )


class Correction(SealedModel):
    """What one identity shall be instead. Its old value is the identity's own, and stays there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    identity = models.OneToOneField(SubjectIdentity, on_delete=models.CASCADE, related_name="correction")
    new_value = EncryptedTextField(key="identity.subject.data_key")
    # Of the new value: whoever approves approves exactly that.
    blind_index = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"Correction {self.pk}"

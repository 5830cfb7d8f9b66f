"""The callback endpoint's measure: the least that a Django view can do which takes a signed callback.

It verifies the signature with a key it has loaded, inserts the delivery, updates the request and inserts an event,
in one transaction, through the ORM, on tables of its own that hold the same facts as the portal's and point at the
same rows. It seals nothing, chains nothing, reads and locks nothing, and compares neither account nor address. It
stands behind the same middleware, in the same process.
"""

import hashlib
import json
import os
import uuid
from base64 import b64decode
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from integrations.models import Processor, SigningCertificate

KEY_FILE = "BENCH_PUBLIC_KEY"
PATH = "bare/callbacks"
SENDER = "Callbacks"


class BareRequest(models.Model):
    """The columns that a callback changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    status = models.CharField(max_length=16)
    status_changed_at = models.DateTimeField()
    reported_at = models.DateTimeField(null=True)
    reported_status = models.CharField(max_length=64)
    expected_completion_at = models.DateTimeField(null=True)
    expected_completion_raw = models.CharField(max_length=64, default="")

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return str(self.pk)


class BareDelivery(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    processor = models.ForeignKey(Processor, on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(BareRequest, on_delete=models.PROTECT)
    certificate = models.ForeignKey(SigningCertificate, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField(db_index=True)
    address = models.GenericIPAddressField(null=True)
    body = models.BinaryField()
    headers = models.JSONField()
    body_sha256 = models.CharField(max_length=64)
    reported_status = models.CharField(max_length=64)
    verdict = models.CharField(max_length=20)
    applied_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        app_label = "bench"
        constraints = [models.UniqueConstraint(fields=["processor", "body_sha256"], name="bare_once")]

    def __str__(self) -> str:
        return str(self.pk)


class BareEvent(models.Model):
    request = models.ForeignKey(BareRequest, on_delete=models.PROTECT)
    processor = models.ForeignKey(Processor, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_index=True)
    action = models.CharField(max_length=48, db_index=True)
    source = models.CharField(max_length=16)
    address = models.GenericIPAddressField(null=True)
    details = models.JSONField()

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return self.action


TABLES = (BareRequest, BareDelivery, BareEvent)


@cache
def _public_key() -> RSAPublicKey:
    key = load_pem_public_key(Path(os.environ[KEY_FILE]).read_bytes())
    assert isinstance(key, RSAPublicKey)
    return key


@cache
def _sender() -> tuple[uuid.UUID, str]:
    """The one processor of this bench that calls back, and its certificate."""
    processor_id: uuid.UUID = Processor.objects.values_list("pk", flat=True).get(name=SENDER)
    return processor_id, SigningCertificate.objects.get().pk


@csrf_exempt
def callback(request: HttpRequest) -> HttpResponse:
    body = request.body
    _public_key().verify(b64decode(request.headers["X-OpenDSR-Signature"]), body, PKCS1v15(), SHA256())
    # The same body again is known already.
    with suppress(IntegrityError):
        _keep(request, body)
    return HttpResponse(status=202)


def _keep(request: HttpRequest, body: bytes) -> None:
    now, address, said = timezone.now(), request.META["REMOTE_ADDR"], json.loads(body)
    processor_id, certificate_id = _sender()
    with transaction.atomic():
        BareDelivery.objects.create(
            processor_id=processor_id,
            request_id=said["subject_request_id"],
            certificate_id=certificate_id,
            received_at=now,
            address=address,
            body=body,
            headers={name: request.headers[name] for name in ("Content-Type", "X-OpenDSR-Signature")},
            body_sha256=hashlib.sha256(body).hexdigest(),
            reported_status=said["request_status"],
            verdict="applied",
            applied_at=now,
        )
        BareRequest.objects.filter(pk=said["subject_request_id"], status="pending").update(
            status=said["request_status"],
            status_changed_at=now,
            reported_at=now,
            reported_status=said["request_status"],
            expected_completion_at=datetime.fromisoformat(said["expected_completion_time"]),
            expected_completion_raw=said["expected_completion_time"],
        )
        BareEvent.objects.create(
            request_id=said["subject_request_id"],
            processor_id=processor_id,
            at=now,
            action="request.status_changed",
            source="callback",
            address=address,
            details={"from": "pending", "to": said["request_status"]},
        )

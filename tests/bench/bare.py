"""What the callback endpoint is compared with: the least a Django view can do that takes a signed callback.

It verifies the signature with a key it has loaded, inserts the delivery, updates the request and inserts an event,
in one transaction, through the ORM, on plain tables of its own. It seals nothing, chains nothing, locks no case,
compares no account and keeps no savepoint. It stands behind the same middleware, in the same process.
"""

import hashlib
import json
import os
import uuid
from base64 import b64decode
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

KEY_FILE = "BENCH_PUBLIC_KEY"
PATH = "bare/callbacks"


class BareRequest(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    status = models.CharField(max_length=16)
    status_changed_at = models.DateTimeField()
    reported_at = models.DateTimeField(null=True)
    reported_status = models.CharField(max_length=64)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return str(self.pk)


class BareDelivery(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    request = models.ForeignKey(BareRequest, on_delete=models.PROTECT)
    received_at = models.DateTimeField(db_index=True)
    address = models.GenericIPAddressField(null=True)
    body = models.BinaryField()
    headers = models.JSONField()
    body_sha256 = models.CharField(max_length=64, unique=True)
    reported_status = models.CharField(max_length=64)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return str(self.pk)


class BareEvent(models.Model):
    request = models.ForeignKey(BareRequest, on_delete=models.PROTECT)
    at = models.DateTimeField(db_index=True)
    action = models.CharField(max_length=48)
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


@csrf_exempt
def callback(request: HttpRequest) -> HttpResponse:
    body, now = request.body, timezone.now()
    _public_key().verify(b64decode(request.headers["X-OpenDSR-Signature"]), body, PKCS1v15(), SHA256())
    said = json.loads(body)
    address = request.META["REMOTE_ADDR"]
    with transaction.atomic():
        delivery = BareDelivery.objects.create(
            request_id=said["subject_request_id"],
            received_at=now,
            address=address,
            body=body,
            headers={"content-type": request.headers["Content-Type"]},
            body_sha256=hashlib.sha256(body).hexdigest(),
            reported_status=said["request_status"],
        )
        BareRequest.objects.filter(pk=delivery.request_id, status="pending").update(
            status=said["request_status"],
            status_changed_at=now,
            reported_at=now,
            reported_status=said["request_status"],
        )
        BareEvent.objects.create(
            request_id=delivery.request_id,
            at=now,
            action="request.status_changed",
            source="callback",
            address=address,
            details={"from": "pending", "to": said["request_status"]},
        )
    return HttpResponse(status=202)

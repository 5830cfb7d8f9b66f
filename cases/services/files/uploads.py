"""Files that people add to what they attest: encrypted as they come in, so that no clear copy is written here."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from cases.actor import Actor
from cases.models import Action, PackageState, ProcessorRequest, ResultPackage
from cases.services import audit
from cases.services.files import storage
from cases.services.progress import WITH_RESULT
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence


def checked_size(upload: UploadedFile) -> int:
    """In bytes. Raises Refused where a file is empty, or larger than UPLOAD_LIMIT_BYTES."""
    if not upload.size:
        raise Refused(Sentence("The file is empty."))
    if upload.size > settings.UPLOAD_LIMIT_BYTES:
        raise Refused(
            Sentence("The file is larger than %(size)s MB.", size=settings.UPLOAD_LIMIT_BYTES // 1024**2)
        )
    return upload.size


def keep(request: ProcessorRequest, upload: UploadedFile, *, actor: Actor) -> ResultPackage:
    """Keep a file as what a manual processor gave. What a person is owed expires; what proves an act does not.

    Inside the caller's transaction. Raises Refused where the file is empty or too large.
    """
    size_bytes = checked_size(upload)
    package = ResultPackage(processor_request=request, state=PackageState.FETCHED)
    digest, now = hashlib.sha256(), timezone.now()

    def counted() -> Iterator[bytes]:
        for chunk in upload.chunks():
            digest.update(chunk)
            yield chunk

    storage.save(package, counted(), request.case.data_key.secret())
    package.size_bytes, package.sha256 = size_bytes, digest.hexdigest()
    package.content_type = "application/octet-stream"
    package.fetched_at = now
    if request.case.type in WITH_RESULT:
        package.expires_at = now + timedelta(days=settings.PACKAGE_DAYS)
    package.save(force_insert=True)
    audit.of_request(
        Action.RESULT_FETCHED,
        request,
        actor=actor,
        details={
            "package": str(package.pk),
            "size_bytes": package.size_bytes,
            "sha256": package.sha256,
        },
    )
    return package

"""The body of a create call, as production takes it where documentation and examples disagree.

https://docs.mparticle.com/developers/apis/dsr-api/v3/#submit-a-data-subject-request-dsr
"""

from datetime import UTC
from typing import Any

from dsrportal.sentence import Sentence
from integrations.errors import Rejected
from integrations.opendsr.vocabulary import (
    ALONE,
    API_VERSION,
    EXTENSION_IDENTITIES,
    IDENTITY_LIMIT,
    REGULATIONS,
    REQUEST_TYPES,
    STANDARD_IDENTITIES,
)
from integrations.types import RequestType, Submission


def body_of(request: Submission, *, extension_domain: str) -> dict[str, Any]:
    """The JSON object of one request; what is empty is left out.

    Raises Rejected for what `drafts` would have refused or split, so that it is never sent.
    """
    if request.request_type not in REQUEST_TYPES or request.regulation not in REGULATIONS:
        raise Rejected(Sentence("OpenDSR does not define this request type or regulation."))
    standard = _identities(request, STANDARD_IDENTITIES)
    extended = _identities(request, EXTENSION_IDENTITIES)
    held = len(standard) + len(extended)
    if not held or held != len(request.identities):
        raise Rejected(
            Sentence(
                "An OpenDSR request must contain at least one identifier, of known types and one of each "
                "type."
            )
        )
    if held > IDENTITY_LIMIT or (EXTENSION_IDENTITIES[ALONE] in extended and held > 1):
        raise Rejected(
            Sentence(
                "An OpenDSR request contains mpid alone, or up to %(identity_limit)s identifiers.",
                identity_limit=IDENTITY_LIMIT,
            )
        )

    extension: dict[str, Any] = {}
    if extended:
        extension["subject_identities"] = extended
    # The table lists it at the top; the example, and production, have it inside the extension. A boolean,
    # for erasure only, and only when true: "false" as a string is true somewhere.
    if request.skip_waiting_period and request.request_type == RequestType.ERASURE:
        extension["skip_waiting_period"] = True

    body: dict[str, Any] = {
        "regulation": REGULATIONS[request.regulation],
        # OpenDSR 2: GUIDs are lower-case; str(UUID) is.
        "subject_request_id": str(request.request_id),
        "subject_request_type": REQUEST_TYPES[request.request_type],
        # RFC 3339; when the person asked, not when we send.
        "submitted_time": request.submitted_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "api_version": API_VERSION,
    }
    if request.group_id:
        body["group_id"] = request.group_id
    # The tables call both of these arrays; they are objects, keyed by type and by domain.
    if standard:
        body["subject_identities"] = standard
    if request.callback_url:
        body["status_callback_urls"] = [request.callback_url]
    if extension:
        body["extensions"] = {extension_domain: extension}
    return body


def _identities(request: Submission, table: dict[str, str]) -> dict[str, dict[str, str]]:
    """Only `raw` works: the specification's hashes are not among what mParticle's discovery lists."""
    return {
        table[identity.type]: {"value": identity.value, "encoding": "raw"}
        for identity in request.identities
        if identity.type in table
    }

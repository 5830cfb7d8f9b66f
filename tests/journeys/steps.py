"""What people do at the desk again and again."""

from datetime import timedelta

from django.utils import timezone

from cases.models import Case
from tests.desk import Desk


def opened(desk: Desk, **fields: object) -> Case:
    """A case as somebody opens it; one e-mail address unless the fields say otherwise."""
    answer = desk.post(
        "/admin/cases/case/add/",
        **{
            "received_at": f"{timezone.now() - timedelta(hours=3):%Y-%m-%dT%H:%M}",
            "regulation": "gdpr",
            "identities-0-type": "email",
            "identities-0-value": "Ada.Lovelace@Example.org",
            **fields,
        },
    )
    assert answer.url.endswith("/change/"), "the case was not opened"
    return Case.objects.latest("pk")


def verb(desk: Desk, case: Case, name: str, **fields: object) -> None:
    """A verb of the case, or of a part of it: `attest/<key>`."""
    answer = desk.post(f"/admin/cases/case/{case.pk}/{name}/", **fields)
    assert answer.url.endswith(f"/{case.pk}/change/"), f"{name} was refused"
    case.refresh_from_db()


def approved(agnes: Desk, pia: Desk, **fields: object) -> Case:
    """A case that was opened and verified by one person and approved by another."""
    case = opened(agnes, **fields)
    verb(agnes, case, "verify", method="signed_in")
    verb(pia, case, "approve")
    return case

"""Whoever may do a verb may do it to a part of the case that the address names, and to no other case's."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from cases.admin.verbs.table import VERBS
from cases.admin.verbs.verb import CaseVerb
from cases.models import (
    Attachment,
    AttentionItem,
    AuditEvent,
    Case,
    ForwardingExtension,
    ManualTask,
    Note,
    PackageState,
    ProcessorRequest,
    ResultPackage,
)
from tests.builders import open_case, processor
from tests.cases.admin import stages
from tests.cases.admin.desk_users import browser

pytestmark = pytest.mark.django_db


def _package() -> Model:
    request = stages.in_review().requests.get()
    return ResultPackage.objects.create(
        processor_request=request, state=PackageState.MISSED, fetched_at=timezone.now()
    )


# A part that is there and that the verb could be done to, of each kind.
PARTS: dict[type[Model], Callable[[], Model]] = {
    AttentionItem: lambda: AttentionItem.objects.get(case=stages.with_item()),
    ForwardingExtension: lambda: ForwardingExtension.objects.get(
        processor_request__case=stages.with_failed_partner()
    ),
    ManualTask: lambda: ManualTask.objects.get(processor_request__case=stages.with_task()),
    ProcessorRequest: lambda: stages.reappeared().requests.get(),
    ResultPackage: _package,
    Note: lambda: stages.talked_about().notes.earliest("created_at"),
    Attachment: lambda: stages.talked_about().attachments.get(),
}


def test_every_kind_of_part_is_tried() -> None:
    assert {verb.on for verb in VERBS if verb.on} == set(PARTS)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.on], ids=lambda verb: verb.name)
def test_a_part_of_another_case_is_not_found_and_nothing_happens_to_it(verb: CaseVerb[Any]) -> None:
    processor()
    assert verb.on
    part = PARTS[verb.on]()
    own = Case.objects.latest("pk")
    other = open_case()
    client = browser("adam")
    before = AuditEvent.objects.count()

    def ask(case: Case) -> str:
        return reverse("admin:cases_case_verb_on", args=[case.pk, verb.name, part.pk])

    assert client.get(ask(own)).status_code == 200
    assert client.get(ask(other)).status_code == client.post(ask(other)).status_code == 404
    assert AuditEvent.objects.count() == before

"""The first page shows nobody more than the lists it links to."""

import pytest
from django.urls import reverse

from cases.actor import SCHEDULE
from cases.models import AttentionKind
from cases.services import attention
from tests import builders
from tests.cases.admin.people import browser

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "cases", "processors"),
    [("agnes", True, True), ("otto", True, True), ("ivy", False, True), ("charlie", False, False)],
)
def test_attention_is_shown_as_far_as_its_list_shows_it(name: str, cases: bool, processors: bool) -> None:
    processor, case = builders.processor(), builders.open_case()
    attention.open_item(AttentionKind.CONFLICT, "About a case.", actor=SCHEDULE, case=case)
    attention.open_item(AttentionKind.CREDENTIALS, "About a key.", actor=SCHEDULE, processor=processor)
    html = browser(name).get(reverse("admin:index")).content.decode()
    assert ("About a case." in html, case.reference in html, "About a key." in html) == (
        cases,
        cases,
        processors,
    )

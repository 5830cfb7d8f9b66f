"""The first page shows nobody more than the lists it links to."""

import pytest
from django.contrib.contenttypes.models import ContentType
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


@pytest.mark.parametrize("name", ["charlie", "adam"])
def test_no_address_looks_up_any_row_of_any_table(name: str) -> None:
    """Django's own did, for everyone who could log in, and failed with a 500 on a model without a table."""
    client = browser(name)
    for content_type in ContentType.objects.all():
        assert client.get(f"/admin/r/{content_type.pk}/1/").status_code == 404

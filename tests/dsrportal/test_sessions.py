"""Sessions cost one statement to load and one to save, and end as Django's do."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dsrportal.sessions import SessionStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> str:
    made = SessionStore()
    made["word"] = "first"
    made.save()
    assert made.session_key
    return made.session_key


def test_it_is_what_the_portal_uses() -> None:
    assert SessionStore.__module__ == settings.SESSION_ENGINE


def test_loading_and_saving_are_a_statement_each(key: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        session = SessionStore(key)
        assert session["word"] == "first"
        session["word"] = "second"
        session.save()
    assert [query["sql"].split()[0] for query in captured.captured_queries] == ["SELECT", "UPDATE"]
    assert SessionStore(key)["word"] == "second"


def test_each_save_lets_it_live_longer(key: str) -> None:
    early = timezone.now() + timedelta(minutes=1)
    Session.objects.filter(pk=key).update(expire_date=early)
    session = SessionStore(key)
    session.load()
    session.save()
    left = Session.objects.get(pk=key).expire_date - timezone.now()
    assert left > timedelta(seconds=settings.SESSION_COOKIE_AGE - 60)


def test_what_has_expired_or_is_unknown_is_empty_and_has_no_key(key: str) -> None:
    Session.objects.filter(pk=key).update(expire_date=timezone.now())
    for each in (key, "unknown" * 4):
        session = SessionStore(each)
        assert session.load() == {}
        assert session.session_key is None


def test_one_that_is_gone_is_not_made_again(key: str) -> None:
    session = SessionStore(key)
    session.load()
    SessionStore(key).delete()
    with pytest.raises(UpdateError):
        session.save()
    assert not Session.objects.exists()


def test_a_request_whose_session_is_ended_meanwhile_is_refused(key: str) -> None:
    def logged_out_elsewhere(request: HttpRequest) -> HttpResponse:
        assert request.session["word"] == "first"
        SessionStore(key).delete()
        return HttpResponse()

    request = RequestFactory().get("/")
    request.COOKIES[settings.SESSION_COOKIE_NAME] = key
    with pytest.raises(SessionInterrupted):
        SessionMiddleware(logged_out_elsewhere)(request)

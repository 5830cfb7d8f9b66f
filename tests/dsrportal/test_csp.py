"""The headers every answer carries, whoever makes it."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from dsrportal.csp import SELF, ContentSecurityPolicyMiddleware, build_policy

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 302),
        ("/admin/", 302),
        ("/admin/login/", 200),
        ("/static/admin/css/base.css", 200),
        ("/nowhere", 404),
    ],
)
def test_every_answer_carries_the_policy(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    answer.close()
    assert answer.status_code == status
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]


@pytest.mark.django_db
def test_the_log_in_page_needs_nothing_the_policy_forbids(client: Client) -> None:
    page = client.get("/admin/login/").content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)


def test_an_answer_may_bring_a_policy_of_its_own() -> None:
    def view(request: object) -> HttpResponse:
        return HttpResponse(headers={"Content-Security-Policy": "sandbox"})

    answer = ContentSecurityPolicyMiddleware(view)(RequestFactory().get("/"))
    assert answer.headers["Content-Security-Policy"] == "sandbox"


def test_the_setting_has_the_shape_of_django_6(settings: Settings) -> None:
    settings.SECURE_CSP = {"default-src": [SELF, "https://a.example"], "upgrade-insecure-requests": []}
    answer = ContentSecurityPolicyMiddleware(lambda request: HttpResponse())(RequestFactory().get("/"))
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'self' https://a.example; upgrade-insecure-requests"
    )
    assert build_policy({"base-uri": ["'none'"]}) == "base-uri 'none'"

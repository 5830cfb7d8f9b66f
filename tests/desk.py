"""A person at the admin, over real HTTP: logs in, opens pages, fills in the forms that stand on them."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests

from tests.builders import PASSWORD


class _Form(HTMLParser):
    """The fields of the one form on a page that holds a CSRF token and posts to the page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name")
        if tag != "input" or not name:
            return
        if given.get("type") in {"radio", "checkbox"} and "checked" not in given:
            return
        if given.get("type") != "submit":
            self.fields.append((name, given.get("value") or ""))


class Desk:
    """One person's session at `base_url`."""

    def __init__(self, base_url: str, username: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()
        self.session.trust_env = False
        answer = self.post("/admin/login/?next=/admin/", username=username, password=PASSWORD)
        if 'name="password"' in answer.text:
            raise AssertionError(f"{username} could not log in.")

    def get(self, path: str) -> requests.Response:
        return self.session.get(urljoin(self.base_url, path), timeout=30)

    def post(self, path: str, **fields: Any) -> requests.Response:
        """Open the page, fill in its form, send it; follows the redirect. Refuses a server error."""
        page = self.get(path)
        form = _Form()
        form.feed(_posting_form(page.text))
        # What stands on the page stays, ticks of the same name each by itself.
        filled = [(name, value) for name, value in form.fields if name not in fields]
        filled += [(name, str(value)) for name, value in fields.items()]
        answer = self.session.post(page.url, data=filled, headers={"Referer": page.url}, timeout=30)
        if answer.status_code >= 500:
            raise AssertionError(f"{path} answered {answer.status_code}")
        return answer


def _posting_form(html: str) -> str:
    """The last form with a token: before it stand those of the page's frame (log-out, theme)."""
    forms = re.findall(r"<form.*?</form>", html, flags=re.DOTALL)
    posting: list[str] = [form for form in forms if "csrfmiddlewaretoken" in form and "/logout/" not in form]
    if not posting:
        raise AssertionError("There is no form on this page.")
    return posting[-1]

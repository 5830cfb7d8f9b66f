"""The demo's passwords are known to everyone: it keeps to itself, and nobody works with what it left."""

import pytest

from dsrportal import demo
from dsrportal.embedded import CannotStart
from dsrportal.models import User


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_it_listens_on_this_machine(host: str) -> None:
    demo.refuse_to_listen_on(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "portal.example", ""])
def test_it_listens_nowhere_else(host: str) -> None:
    with pytest.raises(CannotStart, match="known to everyone"):
        demo.refuse_to_listen_on(host)


@pytest.mark.django_db
def test_nobody_works_with_the_accounts_that_a_demo_left() -> None:
    demo.refuse_known_passwords()
    admin = User.objects.create_user("admin", password=demo.PASSWORD)
    User.objects.create_user("agnes", password=demo.PASSWORD, is_active=False)
    User.objects.create_user("pia", password="one of her own")
    with pytest.raises(CannotStart, match="the password of admin: set"):
        demo.refuse_known_passwords()
    admin.set_password("changed meanwhile")
    admin.save()
    demo.refuse_known_passwords()


@pytest.mark.django_db
def test_an_installation_with_an_admin_of_its_own_does_not_become_a_demo() -> None:
    User.objects.create_user("admin", password="one of their own")
    with pytest.raises(CannotStart, match="more than a demo"):
        demo.prepare(demo.SandboxAddress("https://localhost:9", "/nowhere"), "http://127.0.0.1:8000")
    assert User.objects.count() == 1

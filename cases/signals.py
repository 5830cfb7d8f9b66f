"""Where Django and django-axes tell of log-ins. What an administrator changes is recorded by the admin instead."""

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from cases.actor import Actor, Source
from cases.services import accounts
from dsrportal.client import client_address
from dsrportal.models import User


def _actor(request: HttpRequest | None, user: User | None = None) -> Actor:
    return Actor(Source.ADMIN, user=user, address=client_address(request) if request else "")


@receiver(user_logged_in)
def _logged_in(request: HttpRequest | None, user: User, **_kwargs: Any) -> None:
    accounts.logged_in(actor=_actor(request, user))


@receiver(user_logged_out)
def _logged_out(request: HttpRequest | None, user: User | None, **_kwargs: Any) -> None:
    if user is not None:
        accounts.logged_out(actor=_actor(request, user))


@receiver(user_login_failed)
def _login_failed(credentials: dict[str, Any], request: HttpRequest | None, **_kwargs: Any) -> None:
    if getattr(request, "axes_locked_out", False):
        return  # the lock-out has been recorded
    accounts.login_failed(_typed(credentials.get("username")), actor=_actor(request))


@receiver(user_locked_out)
def _locked_out(request: HttpRequest | None, username: str | None, **_kwargs: Any) -> None:
    accounts.locked_out(_typed(username), actor=_actor(request))


def _typed(username: object) -> str:
    # PostgreSQL has no NUL in a text, not even in one to compare with.
    return str(username or "").replace("\x00", "")

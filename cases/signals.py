"""Receivers of the log-in signals of Django and django-axes; other changes are recorded by the admin."""

import logging
from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.cache import cache
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from cases.actor import Actor, Source
from cases.services import users
from dsrportal.client_address import client_address
from dsrportal.models import User

logger = logging.getLogger(__name__)


def _actor(request: HttpRequest | None, user: User | None = None) -> Actor:
    return Actor(Source.ADMIN, user=user, address=client_address(request) if request else "")


@receiver(user_logged_in)
def _logged_in(request: HttpRequest | None, user: User, **_kwargs: Any) -> None:
    users.logged_in(actor=_actor(request, user))


@receiver(user_logged_out)
def _logged_out(request: HttpRequest | None, user: User | None, **_kwargs: Any) -> None:
    if user is not None:
        users.logged_out(actor=_actor(request, user))


@receiver(user_login_failed)
def _login_failed(credentials: dict[str, Any], request: HttpRequest | None, **_kwargs: Any) -> None:
    if getattr(request, "axes_locked_out", False):
        return  # the lock-out has been recorded
    users.login_failed(_typed(credentials.get("username")), actor=_actor(request))


@receiver(user_locked_out)
def _locked_out(request: HttpRequest | None, username: str | None, **_kwargs: Any) -> None:
    actor, name = _actor(request), _typed(username)
    if _is_new(name, actor.address):
        users.locked_out(name, actor=actor)


def _is_new(username: str, address: str) -> bool:
    """axes tells of each attempt during a lock-out. The trail is for ever: one event a cool-off, or whoever posts in
    a loop fills it. The key says nothing of what was typed."""
    key = salted_hmac("cases.locked_out", f"{username}\0{address}").hexdigest()
    try:
        return bool(cache.add(f"locked-out:{key}", 1, timeout=int(settings.AXES_COOLOFF_TIME * 3600)))
    except Exception:
        logger.warning("The cache cannot be reached: each attempt during a lock-out is an event.")
        return True


def _typed(username: object) -> str:
    # PostgreSQL has no NUL in a text, not even in one to compare with.
    return str(username or "").replace("\x00", "")

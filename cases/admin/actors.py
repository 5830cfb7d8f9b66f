"""Turns a request from the desk into the actor that services know."""

from django.http import HttpRequest

from cases.actor import Actor, Source
from dsrportal.client_address import client_address
from dsrportal.models import User


def actor_of(request: HttpRequest) -> Actor:
    """The person behind a request that the admin has let in. Raises TypeError where nobody is logged in."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("Nobody is logged in.")
    return Actor(Source.ADMIN, user=user, address=client_address(request))

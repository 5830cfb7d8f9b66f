"""Answers the probes of load balancers and monitors before anything that needs a known host, a session or a database.

A probe names the machine by its address more often than by a host that ALLOWED_HOSTS knows, and a session would be
saved at every answer.
"""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.urls import resolve

PROBES: Final = frozenset({"/healthz", "/readyz"})


class ProbesMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info not in PROBES:
            return self.get_response(request)
        request.resolver_match = resolve(request.path_info)
        answer: HttpResponseBase = request.resolver_match.func(request)
        return answer

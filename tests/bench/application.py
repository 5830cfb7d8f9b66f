"""The portal's own WSGI application, with the bare view of comparison added. The product knows nothing of it."""

from django.urls import path

from dsrportal.wsgi import application

__all__ = ["application"]

from dsrportal.urls import urlpatterns
from tests.bench import bare

urlpatterns.append(path(bare.PATH, bare.callback))

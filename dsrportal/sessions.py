"""Sessions in the database, as Django keeps them, at one statement to load and one to save each."""

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from dsrportal.database.prepared import Given, Prepared

_LIVE = Prepared(
    lambda: Session.objects.filter(session_key=Given("key"), expire_date__gt=Given("now")).values_list(
        "session_data", flat=True
    )
)
# Every request saves: Django's own way takes a transaction around one statement, two round trips more.
_SAVE = "UPDATE django_session SET session_data = %s, expire_date = %s WHERE session_key = %s"


class SessionStore(db.SessionStore):
    def load(self) -> dict[str, Any]:
        found = _LIVE.ask(key=self.session_key, now=timezone.now())
        if not found:
            self._session_key = None
            return {}
        data: dict[str, Any] = self.decode(found[0])
        return data

    def save(self, must_create: bool = False) -> None:
        """Raises UpdateError where the session is gone, as after a log-out elsewhere."""
        if must_create or self.session_key is None:
            super().save(must_create=must_create)
            return
        data = self.encode(dict(self.items()))
        with connection.cursor() as cursor:
            cursor.execute(_SAVE, [data, self.get_expiry_date(), self.session_key])
            if cursor.rowcount == 0:
                raise UpdateError

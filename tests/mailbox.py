"""A real mail server on this machine: what arrives there is kept, and it can be told to refuse or to be busy."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from tests.live import free_port

# What a mail server writes of each mail is its own business.
logging.getLogger("mail.log").setLevel(logging.ERROR)


class Mailbox:
    def __init__(self) -> None:
        self.port = free_port()
        self.messages: list[EmailMessage] = []
        self.refuses: set[str] = set()
        self.busy = False
        self._controller: Controller | None = None

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
        self._controller = None

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refuses:
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.busy:
            return "451 4.3.0 Try again later"
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def links(self) -> list[str]:
        """The link of each mail, oldest first."""
        return [_link(message) for message in self.messages]


def _link(message: EmailMessage) -> str:
    text = message.get_content()
    found = re.search(r"https?://\S+/confirm/\S+", text)
    assert found, text
    return found[0]


@contextmanager
def running_mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    mailbox.start()
    try:
        yield mailbox
    finally:
        mailbox.stop()


def settings_for(mailbox: Mailbox) -> dict[str, Any]:
    """Django's settings by which mail goes there."""
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": mailbox.port,
        "DEFAULT_FROM_EMAIL": "Privacy team <privacy@portal.example>",
        "MAIL_MISSING": [],
    }

"""Sending confirmation links by mail. The row is the outbox: a mail server that is down delays, and loses nothing.

Claimed in a short transaction, sent outside of any, recorded in another. A claim makes a new token, so a mail of which
nobody knows whether it arrived is followed by one that certainly works.
"""

import logging
from datetime import timedelta
from email.errors import MessageError
from smtplib import SMTPException, SMTPRecipientsRefused
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from cases.actor import SCHEDULE
from cases.lifecycle import CaseStatus
from cases.models import Action, Case, EmailConfirmation, IntakeReceipt
from cases.services import audit, progress
from cases.services.person import email_links
from dsrportal.crypto import Unreadable

logger = logging.getLogger(__name__)

# After each attempt that failed, in seconds; the last one stands for all further ones. Longer than an attempt takes,
# so that it is a lease as well: a worker that dies in between is followed by another.
WAITS: Final = (60, 300, 900, 3600)
AT_ONCE: Final = 200


def wake_due() -> None:
    """Knock for every link that waits to be sent."""
    unsent = EmailConfirmation.objects.filter(
        sent_at__isnull=True, cancelled_at__isnull=True, next_attempt_at__lte=timezone.now()
    )
    for confirmation_id in unsent.order_by("next_attempt_at").values_list("pk", flat=True)[:AT_ONCE]:
        email_links.wake(confirmation_id)


def send(confirmation_id: UUID) -> None:
    """Try once to send a link, if it is still wanted and its time has come."""
    if email_links.missing_settings():
        return
    token, confirmation = _claim(confirmation_id)
    if confirmation is None:
        return
    try:
        _message(confirmation, token).send()
    except (SMTPRecipientsRefused, ValueError, MessageError, Unreadable) as error:
        _failed(confirmation, error, for_good=_is_final(error))
    except (SMTPException, OSError) as error:
        _failed(confirmation, error, for_good=False)
    else:
        _sent(confirmation)


def _claim(confirmation_id: UUID) -> tuple[str, EmailConfirmation | None]:
    row = EmailConfirmation.objects.filter(pk=confirmation_id).first()
    if row is None:
        return "", None
    with progress.locked(row.case_id) as case:
        now = timezone.now()
        row = EmailConfirmation.objects.select_related("identity__subject__data_key").get(pk=row.pk)
        if row.sent_at or row.used_at or row.cancelled_at:
            return "", None
        if row.next_attempt_at is None or row.next_attempt_at > now:
            return "", None
        if case.status != CaseStatus.VERIFYING or row.identity is None:
            EmailConfirmation.objects.filter(pk=row.pk).update(cancelled_at=now)
            return "", None
        token, row.token_hash = email_links.new_token()
        row.attempts += 1
        row.next_attempt_at = now + timedelta(seconds=WAITS[min(row.attempts, len(WAITS)) - 1])
        row.expires_at = now + timedelta(days=row.valid_days)
        row.save(update_fields=["token_hash", "attempts", "next_attempt_at", "expires_at"])
        row.case = case
        return token, row


def _message(confirmation: EmailConfirmation, token: str) -> EmailMessage:
    identity, case = confirmation.identity, confirmation.case
    assert identity is not None
    assert confirmation.expires_at is not None
    with translation.override(_language(case)):
        context = {
            "case": case,
            "url": settings.PORTAL_BASE_URL + reverse("confirm-email", args=[token]),
            "until": date_format(timezone.localtime(confirmation.expires_at), "DATETIME_FORMAT"),
            "zone": timezone.get_current_timezone_name(),
        }
        subject = render_to_string("portal/person/confirm_subject.txt", context).strip()
        body = render_to_string("portal/person/confirm_body.txt", context)
    # A program's word: no out-of-office notice shall answer it (RFC 3834).
    headers = {"Auto-Submitted": "auto-generated"}
    return EmailMessage(subject, body, to=[identity.value.strip()], headers=headers)


def _language(case: Case) -> str:
    """The person's, where the form they asked through told it and the portal speaks it; else the portal's own."""
    told = IntakeReceipt.objects.filter(case=case).values_list("language", flat=True).first()
    try:
        return translation.get_supported_language_variant(told.lower()) if told else settings.LANGUAGE_CODE
    except LookupError:
        return settings.LANGUAGE_CODE


def _is_final(error: Exception) -> bool:
    """Whether the server knows no such mailbox (5xx), or the address is none: trying again is of no use."""
    if not isinstance(error, SMTPRecipientsRefused):
        return True
    return all(500 <= code < 600 for code, _words in error.recipients.values())


def _sent(confirmation: EmailConfirmation) -> None:
    with progress.locked(confirmation.case_id) as case:
        now = timezone.now()
        written = EmailConfirmation.objects.filter(
            pk=confirmation.pk, token_hash=confirmation.token_hash, sent_at__isnull=True
        ).update(sent_at=now, next_attempt_at=None, last_error="")
        if written and confirmation.expires_at is not None:
            audit.record(
                Action.LINK_SENT,
                actor=SCHEDULE,
                case=case,
                details={
                    "confirmation": str(confirmation.pk),
                    "expires_at": confirmation.expires_at.isoformat(),
                    "attempts": confirmation.attempts,
                },
            )


def _failed(confirmation: EmailConfirmation, error: Exception, *, for_good: bool) -> None:
    name = type(error).__name__
    logger.warning(
        "a confirmation link was not sent: %s%s", name, "" if for_good else "; it is tried again later"
    )
    with progress.locked(confirmation.case_id) as case:
        mine = EmailConfirmation.objects.filter(
            pk=confirmation.pk, token_hash=confirmation.token_hash, sent_at__isnull=True
        )
        if not mine.update(last_error=name):
            return
        if for_good:
            email_links.refused_by_the_mail_server(case, confirmation, error=name)

"""Wraps every data key anew under the current master key."""

import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from cases.actor import Actor, Source
from cases.models import Action
from cases.services import audit
from dsrportal import crypto
from dsrportal.models import DataKey


class Command(BaseCommand):
    help = (
        "Wraps all data keys under the first key of PORTAL_MASTER_KEYS. Put the new key first, keep the old one after "
        "it, run this, then remove the old one. Safe to interrupt and to run again; the portal may stay up."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, default=1000, help="keys in one transaction (default 1000)")

    def handle(self, *args: Any, **options: Any) -> None:
        crypto.verify_keyring()
        current = crypto.keyring().current.key_id
        done, last = 0, None
        while pks := rewrap_batch(current=current, size=options["batch"], after=last):
            done, last = done + len(pks), pks[-1]
            self.stdout.write(f"{done} data keys wrapped under {current}")
        if done:
            audit.record(
                Action.KEYS_ROTATED,
                actor=Actor(Source.COMMAND),
                details={"count": done, "master_key": current},
            )
        live = DataKey.objects.filter(wrapped__isnull=False)
        under = live.filter(master_key_id=current).count()
        # A process that still runs with the old settings may have made keys meanwhile.
        left = live.exclude(master_key_id=current).count()
        self.stdout.write(
            f"Done: {done} wrapped anew, {under} under {current}, {left} under other master keys."
        )


def rewrap_batch(*, current: str, size: int, after: uuid.UUID | None = None) -> list[uuid.UUID]:
    """Rewraps up to `size` keys in one transaction, in order from `after` on; which ones it did."""
    with transaction.atomic():
        # The lock keeps a key that is destroyed in this moment from being written back.
        rows = DataKey.objects.select_for_update().filter(wrapped__isnull=False).order_by("pk")
        if after is not None:
            rows = rows.filter(pk__gt=after)
        found = list(rows.exclude(master_key_id=current)[:size])
        for row in found:
            row.wrapped, row.master_key_id = crypto.wrap(row.id, row.purpose, row.secret())
        DataKey.objects.bulk_update(found, ["wrapped", "master_key_id"], batch_size=250)
    return [row.id for row in found]

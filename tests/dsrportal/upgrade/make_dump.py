"""`python -m tests.dsrportal.upgrade.make_dump CHECKOUT`: a database of an older version, as SQL beside this file.

Servers of this version, everything else of that one: its migrations, and rows that its own services make. The file is
named for the commit.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from dsrportal.serve.embedded import Servers
from dsrportal.serve.embedded.postgres import installed
from tests.dsrportal.upgrade import ADDRESS, MASTER_KEYS

# A few rows in each of the main tables, for e2dd79f: it speaks to the services of that checkout, so it is no module.
ROWS: Final = f"""
from django.contrib.auth.models import Group
from django.utils import timezone
from cases.models import AttentionKind, CallbackDelivery, ForwardingExtension
from cases.services import assigning, attention, intake_sources, notes, saved_views
from dsrportal.models import DataKey, User
from integrations.models import SigningCertificate
from tests import builders

agnes, pia, ada = (builders.actor(name) for name in ("agnes", "pia", "ada"))
for actor, role in ((agnes, "agent"), (pia, "approver"), (ada, "administrator")):
    actor.user.groups.add(Group.objects.get(name=role))
processor = builders.processor()
builders.manual()
known_by = [("email", "{ADDRESS}"), ("controller_customer_id", "4711")]
erasure = builders.approved_case(identities=known_by)
access = builders.open_case(type="access", regulation="ccpa", identities=known_by[:1])
builders.open_case(type="access", regulation="ccpa", identities=known_by[:1])  # perhaps a duplicate
assigning.tag(access, actor=agnes, names=["letter"])
assigning.assign(access, actor=pia, assignee=agnes.user, seen=None)
notes.add(access, "It came as a letter. @pia", actor=agnes)
saved_views.save(actor=agnes, name="Mine", query="status=intake", shared=False)
intake_sources.create(intake_sources.Terms("Form", ["access"], ["gdpr"], 60), actor=ada)
request = erasure.requests.get(processor=processor)
attention.open_item(
    AttentionKind.SILENT, "Nothing was heard of it.", actor=agnes, case=erasure, request=request, processor=processor
)
now = timezone.now()
ForwardingExtension.objects.create(
    processor_request=request, domain="partner.example", status="sent", message="Taken.", changed_at=now
)
certificate = SigningCertificate.objects.create(
    sha256="0" * 64, domain="example.org", pem="none", not_before=now, not_after=now
)
CallbackDelivery.objects.create(
    data_key=DataKey.shared("evidence"), processor=processor, processor_request=request, certificate=certificate,
    received_at=now, body=b"a body", headers={{"a": "header"}}, body_sha256="0" * 64,
)
User.objects.update(password="!")  # nobody logs in
"""
# What only tells pg_dump's reader, and settings that an older server does not know.
_CHATTER: Final = re.compile(r"(--( .*)?|SET .*|\\.*|)$")
# As PostgreSQL writes Django's `IN` and `BETWEEN`. Read again both would mean the same and be written otherwise.
_IN: Final = re.compile(r"\((\w+)\)::text = ANY \(\(ARRAY\[([^]]*)\]\)::text\[\]\)")
_BETWEEN: Final = re.compile(r"\(\((\w+) >= (\d+)\) AND \(\1 <= (\d+)\)\)")


def main() -> None:
    checkout = Path(sys.argv[1]).resolve()
    asked = ["git", "rev-parse", "--short=7", "HEAD"]
    commit = subprocess.run(asked, cwd=checkout, check=True, capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="portal-dump-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o711)
        with Servers(directory, durable=False) as servers:
            environment = os.environ | {
                "PORTAL_ENV_FILE": os.devnull,
                "PORTAL_DATA_DIR": name,
                "PORTAL_MASTER_KEYS": MASTER_KEYS,
                "SECRET_KEY": "only while the dump is made: nothing of it is kept",
            }
            for arguments in (["migrate", "-v0"], ["shell", "-v0", "-c", ROWS]):
                subprocess.run(
                    [sys.executable, "manage.py", *arguments], cwd=checkout, env=environment, check=True
                )
            text = _dumped(servers.addresses.database_url("postgres"))
    Path(__file__).with_name(f"{commit}.sql").write_text(text)


def _dumped(url: str) -> str:
    program = installed()[0].directory / "pg_dump"
    options = ["--inserts", "--rows-per-insert=1000", "--no-comments"]
    said = subprocess.run([program, *options, url], check=True, capture_output=True, text=True).stdout
    kept = "".join(f"{line}\n" for line in said.splitlines() if not _CHATTER.match(line))
    kept = _IN.sub(lambda found: f"{found[1]} IN ({found[2].replace('::character varying', '')})", kept)
    return _BETWEEN.sub(r"(\1 BETWEEN \2 AND \3)", kept)


if __name__ == "__main__":
    main()

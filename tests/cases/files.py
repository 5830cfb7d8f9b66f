"""Files of cases to import, small enough to read, and the stages of their life."""

from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from cases.models import CaseImport
from cases.services.imports import files as import_files
from cases.services.imports import work as import_work
from tests.builders import actor
from tests.cases.admin.desk_users import account

Line = Mapping[str, str]

ROW: Line = {
    "type": "erasure",
    "regulation": "gdpr",
    "received_at": "2026-05-04T09:30+02:00",
    "email": "Ada.Lovelace@Example.org",
}
# Its form is right, but nobody can be found by it.
BROKEN: Line = {**ROW, "email": ""}
FOR_EVER = 1e6


def csv_of(*rows: Line, separator: str = ",", encoding: str = "utf-8") -> bytes:
    """The rows under all columns that any of them has, each value in quotes."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    quoted = (separator.join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)
    return ("\r\n".join(quoted) + "\r\n").encode(encoding)


def people(count: int, **more: str) -> list[Line]:
    return [{**ROW, "email": f"person{number}@example.org", **more} for number in range(count)]


def upload(*rows: Line, by: str = "agnes", source: str = "", content: bytes | None = None) -> CaseImport:
    file = SimpleUploadedFile("people.csv", csv_of(*rows) if content is None else content)
    return import_files.upload(file, source=source, actor=actor(account(by)))


def checked(*rows: Line, **more: Any) -> CaseImport:
    """Uploaded, and each row looked at; nothing is opened."""
    made = upload(*rows, **more)
    import_work.work(made.pk, seconds=FOR_EVER)
    made.refresh_from_db()
    return made


def started(*rows: Line, by: str = "agnes", **more: Any) -> CaseImport:
    made = checked(*rows, by=by, **more)
    import_files.start(made, actor=actor(by))
    made.refresh_from_db()
    return made


def imported(*rows: Line, **more: Any) -> CaseImport:
    """From the upload to the end."""
    made = started(*rows, **more)
    import_work.work(made.pk, seconds=FOR_EVER)
    made.refresh_from_db()
    return made


def said(made: CaseImport) -> list[tuple[int, str]]:
    """What is wrong, line by line."""
    return [(failure.line, failure.sentence.english) for failure in made.failures.all()]

"""Tables as files that spreadsheets open: streamed, and never run."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

# A cell that begins so is run as a formula by spreadsheets (OWASP, CSV Injection); the wide signs too, where people
# type in Japanese or Chinese.
_SIGNS: Final = "=+\\-@＝＋－＠"
# A cell also begins, for a spreadsheet that separates by semicolons as it does in most of Europe, behind each of these:
# it cares for no quotes within what it takes for a cell.
_BEGINS: Final = re.compile(rf"\A(?=[{_SIGNS}\t\r\n])|(?<=[;\t\r\n])(?=[ \"]*[{_SIGNS}])")
_PROTECTED: Final = re.compile(rf"\A'(?=[{_SIGNS}\t\r\n])|(?<=[;\t\r\n])'(?=[ \"]*[{_SIGNS}])")
_CHUNK: Final = 32 * 1024


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """The file in chunks. It begins with a byte order mark: without one, Excel does not take it for UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(cell) for cell in row])
        if buffer.tell() > _CHUNK:
            yield _emptied(buffer)
    yield _emptied(buffer)


def harmless(cell: str) -> str:
    """Shown as text by a spreadsheet, whatever it begins with, and wherever it takes it to begin."""
    return _BEGINS.sub("'", cell)


def as_typed(cell: str) -> str:
    """What stood in a cell before `harmless` made it so; also what a spreadsheet means by such an apostrophe."""
    return _PROTECTED.sub("", cell)


def _emptied(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()

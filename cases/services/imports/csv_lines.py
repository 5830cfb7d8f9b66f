"""A file of comma-separated values, read record by record, from any record on, in constant memory."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from cases.services.imports.columns import is_known, named
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence

SEPARATORS: Final = (",", ";", "\t")
# A line of 25 identities is far below; a file without line ends must not be read at once.
LONGEST_LINE_BYTES: Final = 64 * 1024
_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Record:
    """The line it begins in, counted from 1 for the first line of the file, and its cells. May span several lines."""

    line: int
    cells: Sequence[str] = field(repr=False)


class Records:
    """The records of a file from where it stands. `position` (bytes) and `line` are where the next one begins.

    Raises Refused where the file is no table, with a sentence that names the line and no value.
    """

    def __init__(
        self, file: BinaryIO, *, separator: str, position: int = 0, line: int = 1, strict: bool = True
    ) -> None:
        self.position, self.line = position, line
        self._file = file
        self._file.seek(position)
        # Strict: quotes that never close would else swallow the rest of the file.
        self._reader = csv.reader(self._lines(), delimiter=separator, strict=strict)

    def __iter__(self) -> Iterator[Record]:
        while True:
            line = self.line
            try:
                cells = next(self._reader, None)
            except csv.Error:
                raise Refused(
                    Sentence(
                        "Line %(line)d: quotation marks are not closed, or are inside a value.", line=line
                    )
                ) from None
            if cells is None:
                return
            # Spreadsheets leave empty lines behind.
            if any(cell.strip() for cell in cells):
                yield Record(line, cells)

    def _lines(self) -> Iterator[str]:
        while raw := self._file.readline(LONGEST_LINE_BYTES + 1):
            if len(raw) > LONGEST_LINE_BYTES:
                raise Refused(Sentence("Line %(line)d is too long. Is this a CSV file?", line=self.line))
            at_start = self.position == 0
            self.position += len(raw)
            try:
                text = (raw.removeprefix(_MARK) if at_start else raw).decode()
            except UnicodeDecodeError:
                raise Refused(
                    Sentence("Line %(line)d is not UTF-8. Save the file as “CSV UTF-8”.", line=self.line)
                ) from None
            self.line += 1
            yield text


def headings(file: BinaryIO) -> tuple[list[str], str, Records]:
    """The columns' names, what separates them, and the records below. Raises Refused."""
    tried = [(_first(file, separator), separator) for separator in SEPARATORS]
    # By the names that are then known; where none is, by how many there are.
    columns, separator = max(
        tried, key=lambda each: (sum(map(is_known, each[0])), len(each[0]), each[1] == SEPARATORS[0])
    )
    if not columns:
        raise Refused(Sentence("The file is empty."))
    while columns and not columns[-1]:
        columns.pop()
    records = Records(file, separator=separator)
    next(iter(records))
    return columns, separator, records


def _first(file: BinaryIO, separator: str) -> list[str]:
    # Quotes before another separator than the right one are no error yet.
    first = next(iter(Records(file, separator=separator, strict=False)), None)
    return [named(cell) for cell in first.cells] if first else []

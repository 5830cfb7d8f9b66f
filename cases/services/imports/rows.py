"""The rows of an import, sorted: what is to be opened, what was imported before, and what is wrong with the others."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC

from django.db.models import Q

from cases.models import CaseImport, ImportedRow, ImportFailure
from cases.services.imports import columns
from cases.services.imports.csv_lines import Record
from cases.services.intake import rules
from cases.services.intake.rules import Asked
from cases.services.planning import planning
from dsrportal.crypto import blind_index, normalise
from dsrportal.sentence import Sentence


@dataclass(slots=True)
class SortedRows:
    """Of one batch: what is to be opened, how many were imported before, and what cannot be."""

    good: list["GoodRow"] = field(default_factory=list)
    known: int = 0
    failures: list[ImportFailure] = field(default_factory=list)
    failed: int = 0


@dataclass(frozen=True, slots=True)
class GoodRow:
    line: int
    asked: Asked
    content: bytes
    reference: bytes | None


def sort(case_import: CaseImport, batch: Sequence[Record]) -> SortedRows:
    found, processors = SortedRows(), planning.all_processors()
    read: list[GoodRow] = []
    for record in batch:
        row = columns.read(case_import.columns, record.cells)
        if row.asked is None:
            _fail(case_import, found, record.line, row.sentences)
            continue
        reference = _reference(case_import.source, row.reference) if row.reference else None
        read.append(GoodRow(record.line, row.asked, _content(row.asked), reference))
    contents, references = _imported(read)
    for each in read:
        if each.content in contents:
            found.known += 1
            continue
        if each.reference in references:
            sentence = Sentence("A row with this reference was imported earlier with different content.")
            _fail(case_import, found, each.line, [sentence])
            continue
        faults = rules.problems(each.asked, among=processors)
        if faults:
            _fail(case_import, found, each.line, list(dict.fromkeys(fault.sentence for fault in faults)))
            continue
        found.good.append(each)
        contents.add(each.content)
        if each.reference:
            references.add(each.reference)
    return found


def _fail(case_import: CaseImport, found: SortedRows, line: int, sentences: Sequence[Sentence]) -> None:
    found.failed += 1
    found.failures += [
        ImportFailure(case_import=case_import, line=line, sentence=sentence) for sentence in sentences
    ]


def _imported(read: Sequence[GoodRow]) -> tuple[set[bytes], set[bytes | None]]:
    """Which of these were imported before: by what they say, and by their references."""
    contents = [each.content for each in read]
    references = [each.reference for each in read if each.reference]
    before = ImportedRow.objects.filter(Q(content__in=contents) | Q(reference__in=references))
    found = list(before.values_list("content", "reference"))
    return {bytes(content) for content, _reference in found}, {
        bytes(reference) for _content, reference in found if reference
    }


def _reference(source: str, reference: str) -> bytes:
    return blind_index("reference of an imported row", f"{source}\x00{reference}")


def _content(asked: Asked) -> bytes:
    """A keyed hash of all that a row asks, in the form in which two spellings of it are equal."""
    said = [
        asked.type,
        asked.regulation,
        asked.received_at.astimezone(UTC).isoformat(),
        sorted((each.type, normalise(each.type, each.value)) for each in asked.identities),
        asked.skip_waiting_period,
        asked.group_name,
        sorted(asked.purposes),
        sorted(
            (each.type, normalise(each.type, each.old_value), each.new_value) for each in asked.corrections
        ),
    ]
    return blind_index("imported row", json.dumps(said, ensure_ascii=False))

"""The table of the list of cases: headings that sort, and a row for each case.

Written by functions and not by Django's tags, which look up every cell of every row anew: a third of a page's time.
"""

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from cases.admin.worklist import order
from cases.admin.worklist.columns import COLUMNS, TICK, Column, Page

if TYPE_CHECKING:
    from cases.admin.worklist.changelist import CaseList


def case_table(listed: "CaseList", *, tick: bool) -> SafeString:
    """Every cell escapes what it is given: see `columns`."""
    columns = (TICK, *COLUMNS) if tick else COLUMNS
    page = Page(now=listed.asker.now, name=listed.name)
    cells = [
        (f'<{each.tag} class="field-{each.name}">', each.cell(page), f"</{each.tag}>") for each in columns
    ]
    rows = (
        f"<tr>{''.join(f'{before}{cell(case)}{after}' for before, cell, after in cells)}</tr>\n"
        for case in listed.result_list
    )
    headings = "".join(_headings(listed, columns))
    return mark_safe(  # noqa: S308
        '<div class="results"><table id="result_list">'
        f"<thead><tr>{headings}</tr></thead>\n<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _headings(listed: "CaseList", columns: tuple[Column, ...]) -> Iterator[str]:
    first = order.keys(listed.asked)[0]
    for column in columns:
        label, name = escape(capfirst(str(column.label))), column.name
        if name not in order.COLUMNS:
            yield _heading(f"column-{name}", f"<span>{label}</span>")
            continue
        sorts = order.COLUMNS[name] == first.column
        other = name if first.descending or not sorts else f"-{name}"
        address = escape(listed.get_query_string({order.PARAMETER: other}))
        link = f'<a href="{address}">{label}</a>'
        if not sorts:
            yield _heading(f"sortable column-{name}", link)
            continue
        direction = "descending" if first.descending else "ascending"
        unsorted = escape(listed.get_query_string(remove=[order.PARAMETER]))
        options = (
            f'<div class="sortoptions"><a class="sortremove" href="{unsorted}" title="{_("Remove from sorting")}"></a>'
            f'<a href="{address}" class="toggle {direction}" title="{_("Toggle sorting")}"></a></div>'
        )
        yield _heading(f"sortable column-{name} sorted {direction}", link, options)


def _heading(classes: str, words: str, options: str = "") -> str:
    return f'<th scope="col" class="{classes}">{options}<div class="text">{words}</div><div class="clear"></div></th>'

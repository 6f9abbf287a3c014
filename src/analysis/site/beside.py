"""What lies beside the pages, of the same figures: tables, sheets, messages, Word reports."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pandas as pd

from analysis.handouts.brief import make_brief, render_briefs, write_message
from analysis.site.layout import (
    BRIEFS,
    INDICATORS,
    MESSAGES,
    UNITS,
    Layout,
    brief_page,
    message_file,
    word_file,
)
from analysis.site.ledger import left_before
from analysis.study import Study
from analysis.tables.files import write_atomically
from analysis.tables.writing import harmless

#: These tables are opened by people: without it Excel would not see that they are UTF-8.
_BOM = "\ufeff"


def write_data(study: Study, table: str, layout: Layout) -> None:
    """Write the year's indicators, a table as CSV, and its units."""
    year = study.params.year
    write_atomically(layout.file(INDICATORS), _BOM + table)
    units = study.expected_units(year).drop(columns="is_expected").reset_index()
    units.insert(0, "year", year)
    if study.params.edition == "share":
        withheld = [study.hidden_columns(key, year) for key in units["unit_id"]]
        units["hidden"] = [";".join(names) for names in withheld]
    write_atomically(layout.file(UNITS), as_csv(units))


def as_csv(table: pd.DataFrame) -> str:
    """Return a table as the dataset's own files are written, but safe to open in a spreadsheet."""
    table = table.copy()
    for name in table.columns[table.dtypes.map(pd.api.types.is_bool_dtype)]:
        table[name] = table[name].map({True: "true", False: "false"})
    for name in table.columns[table.dtypes.map(pd.api.types.is_string_dtype)]:
        table[name] = table[name].map(harmless, na_action="ignore")
    text: str = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return _BOM + text


def write_briefs(study: Study, layout: Layout, units: Sequence[str] | None, *, asked: bool) -> None:
    """Write these units' sheets and messages if they are asked for, and renew those that were there.

    Sheets of units that need not report any more go; so do those of a selection when another is
    asked for. None that is left tells other figures than the pages.
    """
    expected = [str(key) for key in study.expected_units(study.params.year).index]
    left = left_before(layout)
    there = [
        key for key in expected if brief_page(key) in left or layout.file(brief_page(key)).exists()
    ]
    wanted = (expected if units is None else list(dict.fromkeys(units))) if asked else there
    for pattern in (brief_page("*"), message_file("*")):
        for path in layout.site.glob(pattern):
            if path.name.partition(".brief")[0].removesuffix(".txt") not in wanted:
                path.unlink()
    if not wanted:
        for name in (BRIEFS, MESSAGES):
            layout.file(name).unlink(missing_ok=True)
        return
    briefs = [make_brief(study, key) for key in wanted]
    texts = [write_message(study, brief) for brief in briefs]
    for brief, text in zip(briefs, texts, strict=True):
        write_atomically(layout.file(brief_page(brief.unit_id)), render_briefs(study, [brief]))
        write_atomically(layout.file(message_file(brief.unit_id)), text + "\n")
    write_atomically(layout.file(BRIEFS), render_briefs(study, briefs))
    rows = pd.DataFrame({"unit_id": wanted, "name": [b.name for b in briefs], "message": texts})
    write_atomically(layout.file(MESSAGES), as_csv(rows))


def write_documents(
    study: Study, layout: Layout, units: Sequence[str] | None, *, asked: bool
) -> None:
    """Write the year's Word report and these units' if asked for, and renew those that were there.

    What somebody has changed in Word is never lost: where a report is asked for again it is kept
    under another name, and it stays as it is where it is not.
    """
    year = study.params.year
    expected = study.expected_units(year).index
    wanted = dict.fromkeys(["", *(units or ())] if asked else ())
    there = {path.stem: path for path in layout.site.glob(word_file(year, "*"))}
    if layout.file(word_file(year)).exists():
        there[""] = layout.file(word_file(year))
    left = left_before(layout)
    gone = [key for key in ("", *expected) if word_file(year, key) in left and key not in there]
    if not wanted and not there and not gone:
        return
    # Whoever never asks for one does not wait for python-docx.
    from analysis.handouts.document import is_edited
    from analysis.handouts.word import write_unit, write_year

    edited = {key for key, path in there.items() if is_edited(path)}
    for key, path in there.items():
        if key in edited and key in wanted:
            path.rename(_free_name(path))
        elif key and key not in edited and key not in expected:
            path.unlink()
    renewed = [key for key in there if key not in edited and (not key or key in expected)]
    for key in dict.fromkeys([*wanted, *renewed, *gone]):
        made = write_unit(study, key) if key else write_year(study)
        write_atomically(layout.file(word_file(year, key)), made)


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.stem}.da-sua-{n}.docx") for n in count(1))
    return next(name for name in names if not name.exists())

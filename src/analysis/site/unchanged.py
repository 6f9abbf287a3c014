"""A run that has nothing to do: found out from bytes alone, without reading a table or a notebook.

What a run was made from is remembered beside the site as one hash, with the hashes of the files
that it left. Where all of these are the same, every page is what a new run would make.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from analysis.atomic import write_atomically
from analysis.params import Params
from analysis.site.digests import hash_pictures, hash_value, shared_inputs
from analysis.site.layout import (
    BRIEFS,
    INDEX,
    INDICATORS,
    LEDGER,
    MESSAGES,
    NOTEBOOKS,
    UNITS,
    Layout,
    brief_page,
    message_file,
    word_file,
)
from analysis.site.ledger import Earlier, PageRecord, hash_file, is_good, is_there, read_earlier
from analysis.site.recap import RunOutcome
from analysis.site.templates import TEMPLATE, Template
from analysis.tables.files import digest_folder

_FILES = (INDEX, LEDGER, INDICATORS, UNITS)
#: Patterns of what may lie beside the pages.
_HANDOUTS = (BRIEFS, MESSAGES, brief_page("*"), message_file("*"))


def fingerprint(
    params: Params, root: Path, *, notebooks: Path | None = None, template: Template = TEMPLATE
) -> str:
    """Return a hash of everything that a run reads: settings, tables, plan, words, code, notebooks.

    Parameters
    ----------
    params : Params
        The settings as given, before they are placed in a folder.
    root : Path
        The project's folder.
    notebooks : Path, optional
        The notebooks' folder; the project's by default.
    template : Template
        The nbconvert template.

    Returns
    -------
    str
        Empty where something cannot be read: then it equals nothing.
    """
    folder = notebooks or root / "notebooks"
    try:
        texts = [*(hash_file(folder / name) for name in NOTEBOOKS), hash_pictures(folder)]
        shared = shared_inputs(params, root, template)
        data = digest_folder(root / params.data)
    except OSError:
        return ""
    return hash_value([params.model_dump(), shared, data, texts])


def remember(layout: Layout, placed: Params, seen: str) -> None:
    """Note what a finished run was made from and what it left, beside the site.

    Parameters
    ----------
    layout : Layout
        The site's files.
    placed : Params
        The settings with what lay around the folder when the pages were planned.
    seen : str
        The `fingerprint` of what was read.
    """
    record = {"key": _key(placed, seen), "files": _hash_files(layout, placed.year)}
    write_atomically(layout.state, json.dumps(record, indent=1, sort_keys=True) + "\n")


def find_unchanged(
    params: Params, out: Path, seen: str, units: Sequence[str] | None = None
) -> RunOutcome | None:
    """Return the recap of a run that has nothing to do, or None if it may have.

    Parameters
    ----------
    params : Params
        The settings as given.
    out : Path
        The site's folder.
    seen : str
        The `fingerprint` of now.
    units : sequence of str, optional
        What is asked for; everything by default.
    """
    began = time.monotonic()
    layout = Layout(out.resolve())
    try:
        record = json.loads(layout.state.read_text("utf-8"))
        known = {"key": _key(layout.place(params), seen), "files": _hash_files(layout, params.year)}
    except (OSError, ValueError, RecursionError):
        return None
    if not seen or record != known:
        return None
    earlier = read_earlier(layout)
    asked = _find_asked(earlier, units)
    entries = list(earlier.pages.values())
    made = [entry for entry in entries if entry.page is not None]
    if not all(map(is_good, asked)) or not all(is_there(entry, layout) for entry in made):
        return None
    outcomes: dict[str, int] = dict(Counter(entry.outcome for entry in earlier.units.values()))
    seconds = time.monotonic() - began
    return RunOutcome(params.year, out, outcomes, 0, len(asked), (), seconds)


def _find_asked(earlier: Earlier, units: Sequence[str] | None) -> list[PageRecord]:
    if units is None:
        return list(earlier.pages.values())
    nobody = PageRecord("not_run")
    # The year's page is made with any unit's if there is none; stale, it stays.
    index_leads_to = replace(earlier.year_page, is_stale=False)
    asked = [earlier.units.get(unit_id, nobody) for unit_id in dict.fromkeys(units)]
    return asked if is_good(index_leads_to) else [nobody]


def _key(placed: Params, seen: str) -> str:
    # What lies around the folder shows in pages too.
    return hash_value([seen, placed.model_dump()])


def _hash_files(layout: Layout, year: int) -> dict[str, str]:
    patterns = (*_HANDOUTS, word_file(year), word_file(year, "*"))
    beside = [path for pattern in patterns for path in layout.site.glob(pattern)]
    links = [*_FILES, *(path.relative_to(layout.site).as_posix() for path in beside)]
    return {link: hash_file(layout.file(link)) for link in links}


def left_before(layout: Layout) -> frozenset[str]:
    """Return the links of all files that the last run left, if they are known."""
    try:
        return frozenset(json.loads(layout.state.read_text("utf-8"))["files"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return frozenset()

"""The runner's front door: a year's site brought up to date, reading as little as that takes."""

from __future__ import annotations

import time
from pathlib import Path

from analysis.params import Params
from analysis.site.layout import YEAR_PAGE, Layout, unit_page
from analysis.site.ledger import (
    PageRecord,
    find_state,
    fingerprint,
    hash_beside,
    read_pages,
    read_record,
)
from analysis.site.order import Order, RunOutcome, count_outcomes


def run_report(params: Params, root: Path, out: Path, order: Order) -> RunOutcome:
    """Bring a year's site up to date.

    Where nothing has changed, no table is read and no process started.

    Parameters
    ----------
    params : Params
        The settings; ``params.year`` is the year.
    root : Path
        The project's folder.
    out : Path
        The site's folder.
    order : Order
        What is asked for.

    Returns
    -------
    RunOutcome
        What came of it.

    Raises
    ------
    InputError
        If the settings, the plan, the data or a notebook are wrong, or another run is at it.
    """
    seen = fingerprint(params, root, order.notebooks, order.template)
    writes_more = order.force or order.briefs or order.docx
    unchanged = None if writes_more else find_unchanged(params, out, seen, order)
    if unchanged is not None:
        return unchanged
    # With pandas, matplotlib and papermill behind them.
    from analysis.loading import forget, open_study
    from analysis.site.build import build_site

    study = open_study(params, root)
    # What was changed while it was being read is not what was seen.
    if fingerprint(params, root, order.notebooks, order.template) != seen:
        seen = ""
    try:
        return build_site(study, out, order, seen)
    finally:
        # Whoever loads or reports again in this process may have changed the tables meanwhile.
        forget()


def find_unchanged(params: Params, out: Path, seen: str, order: Order) -> RunOutcome | None:
    """Return the recap of a run that has nothing to do, or None if it may have.

    It is found out from bytes alone: the ledger keeps one hash of all that a run read and left.
    Where that is the same, every page is what a new run would make.

    Parameters
    ----------
    params : Params
        The settings as given.
    out : Path
        The site's folder.
    seen : str
        The `fingerprint` of now.
    order : Order
        What is asked for.
    """
    began, layout = time.monotonic(), Layout(out.resolve())
    record = read_record(layout)
    pages = read_pages(record)
    if not seen or record.get("state") != find_state(seen, layout.place(params), record):
        return None
    if record["beside"] != hash_beside(layout, params.year):
        return None
    asked = list(pages.values())
    if order.units is not None:
        asked = [pages.get(unit_page(key), PageRecord()) for key in dict.fromkeys(order.units)]
        # The year's page is made with any unit's if there is none; stale, it stays.
        asked += [] if pages[YEAR_PAGE].is_published else [PageRecord()]
    is_whole = all(page.is_there(layout) for page in pages.values() if page.page is not None)
    if not is_whole or not all(page.is_good for page in asked):
        return None
    seconds = time.monotonic() - began
    return RunOutcome(params.year, out, count_outcomes(pages), 0, len(asked), (), seconds)

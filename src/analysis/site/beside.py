"""What lies beside the pages: a sheet and a message for each unit, written from the same findings."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.atomic import write_atomically
from analysis.handouts.brief import make_brief, render_briefs, write_message
from analysis.site.data import as_csv
from analysis.site.layout import BRIEFS, MESSAGES, Layout, brief_page, message_file
from analysis.study import Study


def write_briefs(study: Study, layout: Layout, units: Sequence[str] | None, *, asked: bool) -> None:
    """Write the sheets and messages that are asked for, and bring those up to date that are there.

    Sheets of units that need not report any more go; so do those of a selection when another is
    asked for. None that is left tells other figures than the pages.

    Parameters
    ----------
    study : Study
        Of the site's edition and year.
    layout : Layout
        The site's files.
    units : sequence of str, optional
        Whose; everybody's by default.
    asked : bool
        Whether they were asked for now; else only what an earlier run wrote is renewed.
    """
    expected = [str(key) for key in study.expected_units(study.params.year).index]
    there = [key for key in expected if layout.file(brief_page(key)).exists()]
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

"""Earlier editions of a site's figures, kept so that a new one can say what has changed since."""

from __future__ import annotations

import io
import json

from analysis.atomic import write_atomically
from analysis.indicators import write_table
from analysis.problems import InputError, error
from analysis.site.layout import INDICATORS, LEDGER, Layout
from analysis.study import Study, indicators


def indicators_csv(study: Study) -> str:
    """Return the year's indicator table as it is published."""
    buffer = io.StringIO()
    write_table(indicators(study, [study.params.year]), buffer)
    return buffer.getvalue()


def refuse_other_edition(layout: Layout, edition: str) -> None:
    """Refuse a folder that holds the other edition: old pages and tables would stay among the new.

    Parameters
    ----------
    layout : Layout
        The site.
    edition : {"internal", "share"}
        What is about to be made.

    Raises
    ------
    InputError
        If the folder's ledger is of the other edition.
    """
    try:
        there = json.loads(layout.file(LEDGER).read_text("utf-8")).get("edition", edition)
    except (OSError, ValueError, AttributeError):
        return  # nothing was published before
    if there != edition:
        words = {"internal": "bản nội bộ", "share": "bản chia sẻ"}
        message = f"thư mục này đang chứa {words.get(there, there)}; hãy chọn thư mục khác cho {words[edition]}"
        raise InputError(
            [error(message, code="other_edition", column="--out", value=layout.site.name)]
        )


def keep_edition(layout: Layout, table: str) -> None:
    """Put the published table aside if it is about to be replaced by another.

    Parameters
    ----------
    layout : Layout
        The site.
    table : str
        The new table, as CSV.
    """
    published = layout.file(INDICATORS)
    try:
        old = published.read_text("utf-8")
        made_at = str(json.loads(layout.file(LEDGER).read_text("utf-8"))["made_at"])
    except (OSError, ValueError, KeyError):
        return  # nothing was published before
    if old != table:
        name = made_at.replace(":", "").replace("-", "")
        # A clock that was set back must not put the latest edition before others.
        latest = max((path.stem for path in layout.editions.glob("*.csv")), default="")
        name = name if name > latest else f"{latest}_"
        write_atomically(layout.editions / f"{name}.csv", old)


def with_surroundings(study: Study, layout: Layout) -> Study:
    """Return the study with what its pages may know of the folder around them.

    That is the latest earlier edition, and the years whose sites lie beside this one.
    """
    return study.with_params(layout.place(study.params))

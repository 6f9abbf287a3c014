"""Pieces of HTML: what a notebook cell shows, and what ends up on the page.

Every text is escaped where the templates show it: names and notes come from other people's files.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from analysis.tables.writing import bare, harmless, loosely

#: The mark of a page that ran to its end; the runner looks for it.
END_MARK = "application/vnd.congdoan.end+json"
_SAFE = r"[A-Z0-9][A-Z0-9._-]{0,31}"
_LONGEST = 40


@dataclass(frozen=True)
class Fragment:
    """A piece of HTML that JupyterLab shows and nbconvert exports as it is."""

    # Not in its repr: an executed notebook keeps that too, beside the HTML.
    html: str = field(repr=False)

    def _repr_html_(self) -> str:
        return self.html


@dataclass(frozen=True)
class EndMark:
    """What the last cell of a report shows: nothing to see, and the page's title and contents."""

    page: Mapping[str, Any]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"text/plain": "", END_MARK: dict(self.page)}


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.pages", "fragments"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["csv_link"] = csv_link
    return environment


def render(template: str, **context: Any) -> Fragment:
    """Fill a template of ``fragments/``.

    Parameters
    ----------
    template : str
        Its name without ending.
    **context
        What it shows; all text is escaped.
    """
    return Fragment(_environment().get_template(f"{template}.html.j2").render(context))


def raw(svg: str) -> Markup:
    """Mark our own SVG as HTML; never used on text from data."""
    return Markup(svg)


def csv_link(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a ``data:`` address of a CSV that opens offline, with a BOM so that Excel reads it.

    Examples
    --------
    >>> csv_link(["a"], [["1"]]).startswith("data:text/csv;charset=utf-8;base64,")
    True
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([harmless(str(cell)) for cell in header])
    writer.writerows([harmless(str(cell)) for cell in row] for row in rows)
    content = base64.b64encode(buffer.getvalue().encode("utf-8-sig")).decode("ascii")
    return f"data:text/csv;charset=utf-8;base64,{content}"


def area_page(scope: str, scope_id: str) -> str:
    """Return the link to an area's page: letters and digits alone, and no two areas share one.

    Examples
    --------
    >>> area_page("commune", "Khe Sanh"), area_page("parent", "CDX-KHESANH")
    ('area/commune-khe-sanh-a57f.html', 'area/parent-CDX-KHESANH.html')
    """
    if re.fullmatch(_SAFE, scope_id):
        return f"area/{scope}-{scope_id}.html"
    words = "-".join(filter(None, (bare(loosely(word)) for word in scope_id.split())))[:_LONGEST]
    # Names that differ in marks or signs alone are different places.
    digest = hashlib.sha256(scope_id.encode()).hexdigest()[:4]
    plain = "".join(sign for sign in words if sign.isascii())
    return f"area/{scope}-{plain}-{digest}.html"

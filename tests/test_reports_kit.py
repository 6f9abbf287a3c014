"""What the tests of reports share: studies of made-up tables, pages without a kernel, page reading.

The other ``test_reports_*`` modules import from here. A page is put together from the very calls
that the notebooks' cells make and exported by the project's own template, so that a test reads what
a reader would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from datasets import Tables, write_tables
from nbformat import v4

from analysis.exact import round_half_up
from analysis.pages.fragments import END_MARK, Fragment
from analysis.pages.template import TEMPLATE
from analysis.params import find_root, load_params
from analysis.plan import load_plan
from analysis.reports import AreaReport, UnitReport, YearReport, area, unit, year
from analysis.site.notebooks import export_page
from analysis.study import Study
from analysis.tables.load import load_dataset

ROOT = find_root()
PLAN = "params/plan/nq02-huong-hoa.yaml"
OTHER_PLAN = "tests/plans/tinh.yaml"
NOTEBOOKS = {"unit": "cdcs.ipynb", "area": "area.ipynb", "year": "year.ipynb"}

# --- Studies and pages --------------------------------------------------------------------------


def study_of(folder: Path, for_year: int, plan: str = PLAN, **settings: Any) -> Study:
    """A study of a dataset folder, wherever it stands."""
    base = load_params(for_year, root=ROOT)
    params = base.model_copy(update={"data": str(folder), "plan": plan, **settings})
    return Study(params, load_plan(ROOT / plan), load_dataset(ROOT / folder), ROOT)


def study_of_tables(
    tables: Tables, folder: Path, for_year: int, plan: str = PLAN, **settings: Any
) -> Study:
    return study_of(write_tables(tables, folder), for_year, plan, **settings)


@cache
def read_cells(kind: str) -> list[dict[str, Any]]:
    """The cells of the notebook that makes a kind of page."""
    text = (ROOT / "notebooks" / NOTEBOOKS[kind]).read_text("utf-8")
    cells: list[dict[str, Any]] = json.loads(text)["cells"]
    return cells


def sections(kind: str) -> list[str]:
    """The sections that the notebook's cells show, in their order."""
    shown = [c for c in read_cells(kind) if "skip-execution" not in c["metadata"].get("tags", [])]
    sources = ("".join(c["source"]) for c in shown if c["cell_type"] == "code")
    return [call for source in sources for call in re.findall(r"^report\.(\w+)\(\)$", source, re.M)]


@dataclass(eq=False)
class Page:
    """A page as its notebook makes it, without a kernel.

    ``parts`` holds the HTML of each section by its method's name; a section that shows nothing is
    left out.
    """

    report: UnitReport | YearReport
    about: str = ""
    parts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        outputs = []
        for name in sections(self.kind):
            shown = getattr(self.report, name)()
            if isinstance(shown, Fragment):
                self.parts[name] = shown.html
                outputs.append((name, {"text/html": shown.html}))
            elif shown is not None:
                self.facts: dict[str, Any] = shown._repr_mimebundle_()[END_MARK]
        self._outputs = outputs

    @property
    def kind(self) -> str:
        if isinstance(self.report, UnitReport):
            return "unit"
        return "area" if isinstance(self.report, AreaReport) else "year"

    @property
    def study(self) -> Study:
        return self.report.study

    @property
    def year(self) -> int:
        return self.report.year

    @cached_property
    def rows(self) -> dict[str, Any]:
        """The rows of the indicator table that the page tells of."""
        return dict(self.study.rows(*self.whose, self.year))

    @cached_property
    def rows_before(self) -> dict[str, Any]:
        return dict(self.study.rows(*self.whose, self.year - 1))

    @property
    def whose(self) -> tuple[str, str]:
        if isinstance(self.report, UnitReport):
            return "unit", self.report.unit_id
        if isinstance(self.report, AreaReport):
            return self.report.scope, self.report.scope_id
        return "district", self.study.plan.issuer.id

    @cached_property
    def html(self) -> str:
        """The whole page."""
        by_call = dict(self._outputs)
        cells = []
        for cell in read_cells(self.kind):
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                new = v4.new_markdown_cell(source, id=cell["id"])
            else:
                new = v4.new_code_cell(source, id=cell["id"])
                shown = by_call.get(source.removeprefix("report.").removesuffix("()"))
                if shown:
                    new.outputs = [v4.new_output("execute_result", data=shown, execution_count=1)]
            new.metadata = cell["metadata"]
            cells.append(new)
        return export_page(v4.new_notebook(cells=cells), self.facts, TEMPLATE)

    @cached_property
    def tree(self) -> Node:
        return parse(self.html)

    @cache  # noqa: B019 - pages live as long as their module's tests
    def part(self, name: str) -> Node:
        """One section's tree; empty where it shows nothing."""
        return parse(self.parts.get(name, ""))

    def __str__(self) -> str:
        return f"[{self.about} {self.whose[1]} {self.year}]"


def unit_page(study: Study, unit_id: str, of_year: int, about: str = "") -> Page:
    return Page(unit(study, unit_id, of_year), about)


def area_page(study: Study, scope: str, scope_id: str, of_year: int, about: str = "") -> Page:
    return Page(area(study, scope, scope_id, of_year), about)


def year_page(study: Study, of_year: int, about: str = "") -> Page:
    return Page(year(study, of_year), about)


# --- Reading HTML -------------------------------------------------------------------------------

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"}
BLOCKS = {
    *("p", "li", "td", "th", "dt", "dd", "h1", "h2", "h3", "caption", "summary", "title"),
    *("strong", "figcaption", "label", "option", "a"),
}


@dataclass(eq=False)
class Node:
    """An element of a page."""

    tag: str
    attrs: dict[str, str]
    children: list[Node | str] = field(default_factory=list)
    parent: Node | None = None

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def all(self, *tags: str, cls: str = "", **attrs: str) -> list[Node]:
        """The elements of these tags below, with a class and attributes."""
        return [
            node
            for node in self.walk()
            if node is not self
            and (not tags or node.tag in tags)
            and (not cls or cls in node.attrs.get("class", "").split())
            and all(node.attrs.get(key) == value for key, value in attrs.items())
        ]

    def one(self, *tags: str, cls: str = "", **attrs: str) -> Node:
        found = self.all(*tags, cls=cls, **attrs)
        assert len(found) == 1, (tags, cls, attrs, len(found))
        return found[0]

    def is_inside(self, *tags: str) -> bool:
        return self.parent is not None and (self.parent.tag in tags or self.parent.is_inside(*tags))

    @property
    def raw_text(self) -> str:
        return "".join(c if isinstance(c, str) else c.raw_text for c in self.children)

    @property
    def text(self) -> str:
        """Its text as a browser shows it: white space folded."""
        return " ".join(self.raw_text.split())

    @property
    def own_text(self) -> str:
        """Its text without that of the elements in it."""
        return " ".join("".join(c for c in self.children if isinstance(c, str)).split())

    def without(self, *tags: str) -> str:
        """Its text without that of some elements, a space where they stood."""
        pieces = [
            c if isinstance(c, str) else "" if c.tag in tags else c.without(*tags)
            for c in self.children
        ]
        return " ".join(" ".join(pieces).split())


class _Reader(HTMLParser):
    """Builds the tree and refuses what a browser would have to mend."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> names an attribute twice: {names}"
        if tag == "li" and self._open[-1].tag == "li":
            self._open.pop()  # HTML lets a list item end where the next begins
        node = Node(tag, {k: v or "" for k, v in attrs}, parent=self._open[-1])
        self._open[-1].children.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in ("ul", "ol") and self._open[-1].tag == "li":
            self._open.pop()
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def finish(self) -> Node:
        self.close()
        assert len(self._open) == 1, f"<{self._open[-1].tag}> is never closed"
        return self.root


def parse(html: str) -> Node:
    reader = _Reader()
    reader.feed(html)
    return reader.finish()


@cache
def texts(tree: Node) -> list[str]:
    """Every text of a page that stands on its own, as it stands in the file, without drawings."""
    return list(dict.fromkeys(_texts(tree)))


def _texts(tree: Node) -> Iterator[str]:
    for node in tree.walk():
        if node.tag not in BLOCKS or node.is_inside("svg", "style", "script"):
            continue
        if not any(
            isinstance(c, Node) and c.tag in BLOCKS - {"strong", "a"} for c in node.children
        ):
            yield "".join(
                c if isinstance(c, str) else "" if c.attrs.get("class") == "sub" else c.raw_text
                for c in node.children
            ).strip()
            yield from (sub.raw_text.strip() for sub in node.all("span", cls="sub"))
    for node in tree.walk():
        yield from (node.attrs[n] for n in ("aria-label", "alt", "content") if n in node.attrs)


# --- Reading a page's figures -------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """One row of the results table, as shown."""

    id: str
    title: str
    is_part: bool
    value: str
    counts: str
    target: str
    verdict: str
    note: str
    beside: list[str]


def sub_text(cell: Node) -> str:
    return " ".join(span.text for span in cell.all("span", cls="sub"))


def without_sub(cell: Node) -> str:
    pieces = [
        c if isinstance(c, str) else "" if c.attrs.get("class") == "sub" else without_sub(c)
        for c in cell.children
    ]
    return " ".join("".join(pieces).split())


@cache
def results(page: Page) -> dict[str, Shown]:
    """The rows of the page's results table by indicator id."""
    ids = {(i.whole, "." in i.id, i.title): i.id for i in page.study.plan.catalogue()}
    found = {}
    for row in page.part("results").all("tr"):
        cells = [c for c in row.children if isinstance(c, Node)]
        if "data-label" not in cells[-1].attrs:
            continue
        link = cells[0].one("a")
        is_part = row.attrs.get("class") == "part"
        key = ids[link.attrs["href"].removeprefix("#i-"), is_part, link.text]
        assert key not in found, f"{page}: {key} stands twice in the results"
        found[key] = Shown(
            key,
            link.text,
            is_part,
            without_sub(cells[1]),
            sub_text(cells[1]),
            cells[2].text,
            without_sub(cells[3]),
            sub_text(cells[3]),
            [cell.text for cell in cells[4:]],
        )
    return found


@dataclass(frozen=True)
class Line:
    """One sentence about one indicator: from where, about which, what."""

    section: str
    id: str
    text: str


@cache
def lines(page: Page) -> list[Line]:
    """Every sentence of the page that a title introduces, without what follows it about gaps."""
    ids = {i.title: i.id for i in page.study.plan.indicators}
    found = []
    for section in page.parts:
        for node in page.part(section).all("li", "p"):
            children = [c for c in node.children if not isinstance(c, str) or c.strip()]
            is_titled = (
                bool(children) and isinstance(children[0], Node) and children[0].tag == "strong"
            )
            # Lists of what to do first name tasks, and indicators in short.
            if is_titled and children[0].text in ids:
                text = without_sub(node).removeprefix(children[0].text).removeprefix(":").strip()
                found.append(Line(section, ids[children[0].text], text))
    return found


# --- Numbers ------------------------------------------------------------------------------------

NUMBER = r"\d{1,3}(?:\.\d{3})*(?:,\d+)?"


def read_number(text: str) -> Fraction:
    """A Vietnamese number (``1.234,5``), a percentage as a share (``78,2%``)."""
    match = re.fullmatch(rf"({NUMBER})(%?)", text)
    assert match, f"no Vietnamese number: {text!r}"
    number = Fraction(match[1].replace(".", "").replace(",", "."))
    return number / 100 if match[2] else number


def digits_of(text: str) -> int:
    return len(text.removesuffix("%").partition(",")[2])


def is_rounded(text: str, exact: Fraction) -> bool:
    """Whether a shown number is the exact one, rounded half up to the digits that it shows."""
    scale = 100 if text.endswith("%") else 1
    return read_number(text) * scale == round_half_up(exact * scale, digits_of(text))


def side(value: Fraction, bar: Fraction) -> int:
    return (value > bar) - (value < bar)


def exact_of(row: Any) -> Fraction | None:
    """The exact value of a row of the table, from its two whole numbers."""
    if not row.reported:
        return None
    below = 1 if row.denominator is None or str(row.denominator) == "<NA>" else row.denominator
    return Fraction(int(row.numerator), int(below))


# --- The kit itself -----------------------------------------------------------------------------


def test_numbers_read_back() -> None:
    assert read_number("1.234,5") == Fraction("1234.5")
    assert read_number("78,2%") == Fraction("0.782")
    assert is_rounded("78,2%", Fraction(172, 220))
    assert not is_rounded("78,1%", Fraction(172, 220))
    for text in ("1234.5", "1,234.5", "12.34", "-1", "NaN%", ""):
        with pytest.raises(AssertionError):
            read_number(text)


def test_broken_html_is_refused() -> None:
    assert parse("<p>a<br>&amp;&lt;b</p>").text == "a&<b"
    assert [item.text for item in parse("<ul><li>a<li>b</ul>").all("li")] == ["a", "b"]
    for html in ("<p>", "<p><b></p></b>", "</p>", '<p id="a" id="b"></p>'):
        with pytest.raises(AssertionError):
            parse(html)


def test_pages_are_made_of_the_notebooks_own_calls() -> None:
    for kind in NOTEBOOKS:
        called = sections(kind)
        assert called[0] == "header"
        assert called[-1] == "finish"
        assert {"summary", "results", "definitions", "method"} <= set(called)
        assert kind == "area" or "next_steps" in called  # an area has no duties of its own
        assert len(called) == len(set(called))

"""What an analyst adds to a page: a table, a figure, a heading, a value at the end of a cell."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure
from nbformat import NotebookNode, v4
from shared import sample
from test_reports_kit import parse

import analysis
from analysis.pages.fragments import END_MARK, Fragment
from analysis.pages.template import TEMPLATE
from analysis.problems import InputError
from analysis.reports import YearReport
from analysis.site.notebooks import export_page

HANDBOOK = Path(__file__).parents[1] / "docs" / "huong-dan.md"


@pytest.fixture
def report() -> YearReport:
    return analysis.year(sample(), 2024)


def page_of(report: YearReport, *cells: NotebookNode) -> str:
    """The page of some cells and the end mark, after a cell that shows the contents."""
    facts = report.finish()._repr_mimebundle_()[END_MARK]
    first = v4.new_code_cell("", metadata={"tags": ["contents"]})
    return export_page(v4.new_notebook(cells=[first, *cells]), facts, TEMPLATE)


def cell(**data: str) -> NotebookNode:
    shown = {name.replace("_", "/"): text for name, text in data.items()}
    return v4.new_code_cell(
        "", outputs=[v4.new_output("execute_result", data=shown, execution_count=1)]
    )


def contents_of(page: str) -> list[tuple[str, str]]:
    nav = re.search(r'<nav class="contents".*?</nav>', page, re.DOTALL)
    assert nav is not None
    return re.findall(r'<a href="#([^"]+)">([^<]*)</a>', nav[0])


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"name": ["<b>A", "B"], "reported": [1, 2000]}),
        pd.Series([1, 2000], index=["<b>A", "B"], name="reported"),
        pd.Series([1, 2000], index=pd.Index(["<b>A", "B"], name="name"), name="reported"),
    ],
)
def test_a_table_has_caption_headings_and_an_entry(report: YearReport, frame: Any) -> None:
    shown = report.show(frame, title="Của <tôi>", note="Một & hai")
    html = shown.html
    assert "<caption>Của &lt;tôi&gt;</caption>" in html
    headings = re.findall(r'<th scope="col"[^>]*>([^<]*)</th>', html)
    assert headings == ["Tên", "Đã báo cáo"]
    assert re.findall(r'<th scope="row">([^<]*)</th>', html) == ["&lt;b&gt;A", "B"]
    assert "2.000" in html
    assert "Một &amp; hai" in html
    assert "minh họa" in html.lower()
    page = page_of(report, cell(text_html=html))
    assert ("rieng-1", "Của &lt;tôi&gt;") in contents_of(page)
    parse(page)


def test_a_figure_needs_a_description(report: YearReport) -> None:
    figure = Figure()
    with pytest.raises(InputError, match="alt="):
        report.show(figure, title="Hình")
    html = report.show(figure, title="Hình", alt='Một "hình"').html
    assert 'role="img" aria-label="Một &quot;hình&quot;"' in html
    assert "minh họa" in html.lower()


def test_what_is_neither_is_refused(report: YearReport) -> None:
    with pytest.raises(InputError, match="DataFrame"):
        report.show("chữ", title="Chữ")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="title="):
        report.show(pd.DataFrame({"name": ["A"]}))


def test_headings_and_sections_are_listed_in_the_pages_order(report: YearReport) -> None:
    one = report.show(pd.DataFrame({"name": ["A"]}), title="Một")
    two = report.show(pd.DataFrame({"name": ["A"]}), title="Hai")
    page = page_of(
        report,
        cell(text_html=one.html),
        v4.new_markdown_cell('## Ý kiến & "lời" *riêng*\n\nĐoạn văn.'),
        v4.new_markdown_cell("## Hướng dẫn", metadata={"tags": ["guide"]}),
        cell(text_html=two.html),
    )
    listed = contents_of(page)
    titles = ["Một", "Ý kiến &amp; &#34;lời&#34; riêng", "Hai"]
    assert [text for _, text in listed] == titles
    assert all(f'id="{key}"' in page for key, _ in listed)


def test_a_value_at_the_end_of_a_cell_is_shown(report: YearReport) -> None:
    series = pd.Series([1, 2], index=["<b>A", "B"])
    page = page_of(report, cell(text_plain=repr(series)), cell(text_plain="<object at 0x1>"))
    assert "&lt;b&gt;A" in page
    assert "object at" not in page


CELLS = """
import json, sys
from analysis.site.engine import make_shell

shell, shown = make_shell(), []
def keep(kind, content):
    if kind in ("execute_result", "display_data"):
        shown[-1].append(content["data"])
shell.session.emit = keep
for source in json.loads(sys.argv[1]):
    shown.append([])
    assert shell.run_cell(source, store_history=True).success, source
json.dump(shown, sys.stdout)
"""


def test_the_last_line_of_a_cell_is_shown_as_a_reader_wants_it() -> None:
    drawn = [
        "axes.set_title('x')",
        "axes.plot([1, 2])",
        "axes.hist([1, 2])",
        "axes.set(xlabel='a')",
        "axes.set_xlim(0, 1)",
    ]
    series = [
        "study.results(year=2024, scope='commune').groupby('name')['missing'].sum()",
        "pandas.Series([1, 2], index=['<b>A', 'B'])",
        "pandas.Series([1, 2], name='x', index=pandas.Index([1, 2], name='x'))",
    ]
    start = "import analysis, pandas\nimport matplotlib.pyplot as plt\nstudy = analysis.load(2024)"
    cells = [start, *(f"figure, axes = plt.subplots()\n{line}" for line in drawn), *series]
    done = subprocess.run(
        [sys.executable, "-c", CELLS, json.dumps(cells)], capture_output=True, check=True
    )
    _, *shown = json.loads(done.stdout)
    for outputs in shown[: len(drawn)]:
        assert ["image/png" in data for data in outputs] == [True]  # the drawing, no `Text(...)`
    tables = [outputs[0]["text/html"] for outputs in shown[len(drawn) :]]
    assert all("<table" in html for html in tables)
    assert ">Tên</th>" in tables[0]
    assert "minh họa" in tables[0]
    assert "<td>&lt;b&gt;A</td>" in tables[1]


def test_the_handbooks_examples_run() -> None:
    """Every example, in one session; what a line of ``report.show`` gives is a section."""
    names: dict[str, Any] = {}
    sections = 0
    for code in re.findall(r"```python\n(.*?)```", HANDBOOK.read_text("utf-8"), re.DOTALL):
        for statement in ast.parse(code).body:
            if isinstance(statement, ast.Expr):
                source = ast.unparse(statement)
                sections += isinstance(eval(source, names), Fragment)
            else:
                exec(ast.unparse(statement), names)
    assert sections >= 2

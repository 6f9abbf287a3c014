"""The gate: a page is good only if every cell ran, in silence, and the end mark is there."""

from __future__ import annotations

from typing import Any

import pytest
from nbformat import NotebookNode, v4
from test_site_kit import make_notebook

from analysis.pages.fragments import END_MARK
from analysis.pages.template import TEMPLATE
from analysis.site.notebooks import export_page, find_failure, read_end_mark

MARK = v4.new_output("display_data", data={END_MARK: {"title": "Xin chào"}})


def executed(*outputs: list[Any]) -> NotebookNode:
    notebook = make_notebook(*[f"do({number})" for number in range(len(outputs))])
    for number, cell in enumerate(notebook.cells):
        cell.execution_count, cell.outputs = number + 1, outputs[number]
    return notebook


def test_good_page() -> None:
    notebook = executed([v4.new_output("stream", name="stdout", text="a")], [MARK])
    assert find_failure(notebook) is None
    assert read_end_mark(notebook) == {"title": "Xin chào"}


@pytest.mark.parametrize("where", [0, 1, 2])
def test_error_in_any_cell(where: int) -> None:
    outputs: list[list[Any]] = [[], [], [MARK]]
    outputs[where] = [*outputs[where], v4.new_output("error", ename="ValueError", evalue="hỏng")]
    failure = find_failure(executed(*outputs))
    assert failure is not None
    assert (failure.cell, failure.error, failure.line) == (
        where + 1,
        "ValueError: hỏng",
        f"do({where})",
    )


def test_word_on_stderr() -> None:
    warning = v4.new_output("stream", name="stderr", text="\nUserWarning: cẩn thận\nthêm")
    failure = find_failure(executed([warning], [MARK]))
    assert failure is not None
    assert failure.cell == 1
    assert "UserWarning: cẩn thận" in failure.error


def test_trace_on_stderr_is_told_by_its_reason() -> None:
    text = "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'b'\n"
    failure = find_failure(executed([v4.new_output("stream", name="stderr", text=text)], [MARK]))
    assert failure is not None
    assert failure.error.endswith("KeyError: 'b'")


def test_cell_that_did_not_run() -> None:
    notebook = executed([], [], [MARK])
    notebook.cells[1].execution_count = None
    failure = find_failure(notebook)
    assert failure is not None
    assert failure.cell == 2


def test_a_cell_for_the_analyst_alone_neither_runs_nor_shows_what_it_showed_once() -> None:
    notebook = executed([v4.new_output("display_data", data={"text/html": "cũ"})], [MARK])
    cell = notebook.cells[0]
    cell.execution_count, cell.metadata["tags"] = None, ["skip-execution"]
    assert find_failure(notebook) is None
    assert "cũ" not in export_page(notebook, {"nav": [], "contents": []}, TEMPLATE)


def test_end_mark_must_be_in_the_last_cell() -> None:
    for outputs in ([[MARK], []], [[], []], [[]]):
        failure = find_failure(executed(*outputs))
        assert failure is not None
        assert failure.cell == len(outputs)


def test_blank_cells_and_text_do_not_count() -> None:
    notebook = executed([], [MARK])
    notebook.cells.insert(1, v4.new_code_cell(" \n"))
    notebook.cells += [v4.new_markdown_cell("Hết."), v4.new_code_cell("")]
    assert find_failure(notebook) is None


def test_notebook_without_code() -> None:
    failure = find_failure(v4.new_notebook(cells=[v4.new_markdown_cell("Chỉ có chữ.")]))
    assert failure is not None
    assert failure.cell is None

"""Notebooks: read once and checked beforehand; executed, judged, and exported as pages.

A status is never trusted: what counts is what the executed notebook holds. HTML is made by nbconvert
with the project's template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from analysis.pages.fragments import END_MARK
from analysis.pages.template import POLICY, page_css
from analysis.params import Params
from analysis.problems import InputError, Problem, error
from analysis.site.ledger import AREA_NOTEBOOK, UNIT_NOTEBOOK, YEAR_NOTEBOOK, Failure
from analysis.tables.dictionary import dictionary
from analysis.tables.files import regular

_ATTACHED = "attachment:"
#: A picture that is not in the page itself: its policy would not let a browser fetch it.
_NOT_INSIDE = re.compile(r"""<img\b[^>]*?\ssrc=(?!["']?data:)["']?([^"'\s>]*)""")
_HEADING = re.compile(r'<h[1-3] id="([^"]+)">(.*?)<a class="anchor-link"', re.DOTALL)
_SECTION = re.compile(r'<section id="([^"]+)"')
_NAME = re.compile(r"^(\w+)\s*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
_IMPORT = re.compile(r"^(?:import|from) [\w.,* ]+(?=\s*(?:#|$))", re.MULTILINE)
# The cells of our own notebooks: a narrative is opened as the settings say, and its sections shown.
_OURS = re.compile(
    r"import analysis\s+study = analysis\.load\(\s*year(?:,\s*(\w+)=\1)*,?\s*\)\s+"
    r"report = analysis\.(?:unit\(study, unit_id, year\)|area\(study, scope, scope_id, year\))"
    r"|report\.[a-z]\w*\(\)"
)
_PARAMETERS = re.compile(r"(?:\w+ = [^;(\n]*\n?)+")  # nothing is called, nothing read


# --- Before they run -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """A notebook as it was when the run started: every page is made from the same text."""

    path: Path
    text: str
    names: tuple[str, ...]  # of its cell tagged ``parameters``
    reads: tuple[str, ...] | None = None  # as its metadata declare; anything by default

    def parameters(self, params: Params, **more: Any) -> dict[str, Any]:
        """Return the values of the parameters that it names."""
        values = {**params.model_dump(), **more}
        return {name: values[name] for name in self.names}

    @cached_property
    def is_plain(self) -> bool:
        """Whether it does no more than open one narrative and show its sections.

        The narrative knows what it reads (`Report.digests`). An analyst's own code may read anything:
        then every figure of the dataset counts as read, rather than a page being wrong in silence,
        or what the notebook declares.
        """
        for cell in parse_notebook(self.text).cells:
            tags = cell.metadata.get("tags", [])
            ours = _PARAMETERS if "parameters" in tags else _OURS
            is_run = cell.cell_type == "code" and "skip-execution" not in tags
            if is_run and not ours.fullmatch(cell.source.strip()):
                return False
        return True


def read_sources(folder: Path) -> tuple[Source, Source, Source]:
    """Read the notebooks of the year, of a unit and of an area; see `read_source`."""
    return (
        read_source(folder / YEAR_NOTEBOOK, ["year"]),
        read_source(folder / UNIT_NOTEBOOK, ["unit_id", "year"]),
        read_source(folder / AREA_NOTEBOOK, ["scope", "scope_id", "year"]),
    )


def read_source(path: Path, required: Collection[str]) -> Source:
    """Read a notebook, which has to name the required parameters and may name fields of `Params`.

    Raises
    ------
    InputError
        If it cannot be read, has no cell tagged ``parameters`` (papermill would run it with its
        defaults), lacks a required name or has one that nobody sets (papermill would only warn), or
        declares that it reads what there is not.
    """
    try:
        text = regular(path).read_text("utf-8")
        notebook = parse_notebook(text)
    except FileNotFoundError:
        raise InputError([_problem(path, "không thấy sổ tay này", "no_notebook")]) from None
    except (ValueError, AttributeError, KeyError, nbformat.ValidationError):
        raise InputError([_problem(path, "không đọc được sổ tay này", "bad_notebook")]) from None
    cells = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    cell = next((cell for cell in cells if cell.cell_type == "code"), None)
    if cell is None:
        message = "không có ô nào gắn thẻ «parameters»"
        raise InputError([_problem(path, message, "no_parameters")])
    names = tuple(_NAME.findall(cell.source))
    known = {*Params.model_fields, *required}
    problems = [
        _problem(path, "tham số lạ trong ô «parameters»", "unknown_parameter", name)
        for name in names
        if name not in known
    ]
    problems += [
        _problem(path, "ô «parameters» thiếu tham số này", "no_parameter", name)
        for name in sorted(required)
        if name not in names
    ]
    reads = notebook.metadata.get("congdoan", {})
    reads = reads.get("reads") if isinstance(reads, dict) else reads
    tables = (*dictionary().tables, "indicators", "texts")
    message = f"«congdoan.reads» phải là một danh sách, mỗi mục một trong: {', '.join(tables)}"
    problems += [
        error(message, code="unknown_reads", file=path.name, column="reads", value=name)
        for name in (reads or () if isinstance(reads, list | None) else [reads])
        if name not in tables or not isinstance(reads, list)
    ]
    if problems:
        raise InputError(problems)
    return Source(path, text, names, None if reads is None else tuple(reads))


def _problem(path: Path, message: str, code: str, name: str = "") -> Problem:
    return error(message, code=code, file=path.name, column=name)


@lru_cache(maxsize=2)
def parse_notebook(text: str) -> NotebookNode:
    """Return the notebook of a text; the same object for the same text, not to be changed."""
    notebook: NotebookNode = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def import_ahead(text: str) -> None:
    """Import what a notebook imports, so that forks of this process find it done."""
    for cell in parse_notebook(text).cells:
        for line in _IMPORT.findall(cell.source) if cell.cell_type == "code" else ():
            with suppress(Exception):  # what cannot be imported is for its own cell to say
                exec(line, {})


# --- After they ran ------------------------------------------------------------------------------


def write_notebook(notebook: NotebookNode) -> str:
    """Return the text of an executed notebook.

    nbformat would break it into lines for version control and check it once more: as much work as
    exporting the page.
    """
    return json.dumps(notebook, ensure_ascii=False)


def find_failure(notebook: NotebookNode) -> Failure | None:
    """Return the first thing that keeps an executed notebook from being a page.

    Every code cell must have run, without an error and without a word on stderr, and the last one
    must have displayed the end mark: a killed kernel, ``sys.exit(0)`` and a time limit all leave
    a notebook that papermill calls completed.
    """
    cells = _code_cells(notebook)
    for number, cell in enumerate(cells, start=1):
        wrong = _find_wrong(cell)
        if wrong is not None:
            return Failure(number, wrong, _first_line(cell.source))
    if read_end_mark(notebook) is None:
        last = _first_line(cells[-1].source) if cells else ""
        return Failure(len(cells) or None, "ô cuối không có dấu kết thúc", last)
    return None


def read_end_mark(notebook: NotebookNode) -> dict[str, Any] | None:
    """Return what the last code cell says about the page, or None without an end mark."""
    for cell in _code_cells(notebook)[-1:]:
        for output in cell.outputs:
            data = output.get("data", {}).get(END_MARK)
            if isinstance(data, dict):
                return dict(data)
    return None


def _code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells that have something to run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def _find_wrong(cell: NotebookNode) -> str | None:
    for output in cell.outputs:
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue}"
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stderr":
            # IPython prints what a value's own display raises, its reason in the last line.
            is_trace = output.text.startswith("Traceback")
            told = output.text.rstrip().splitlines()[-1] if is_trace else _first_line(output.text)
            return f"có thông báo ở stderr: {told}"
    # What an analyst looks at alone is left out by nbclient, papermill and the page alike.
    is_left_out = "skip-execution" in cell.metadata.get("tags", [])
    return None if cell.execution_count or is_left_out else "ô này không được chạy"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


class PictureError(Exception):
    """A picture that a page cannot show, in Vietnamese."""

    def __init__(self, source: str) -> None:
        name = unquote(source)
        message = "không thấy tệp ảnh này cạnh sổ tay"
        if name.startswith(_ATTACHED):
            message = "ảnh đã dán không còn trong ô; hãy dán lại"
        elif re.match("(https?:)?//", name):
            message = "trang không lấy ảnh từ mạng; hãy dán ảnh vào ô"
        super().__init__(f"ảnh «{name.removeprefix(_ATTACHED)}»: {message}")


class _RemarkRenderer(IPythonRenderer):
    """Markdown with its pictures, whose names may have spaces and diacritics."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        name = url if url.startswith("data:") else unquote(url)
        if name.startswith(_ATTACHED):
            known = {_ATTACHED + unquote(key): _ATTACHED + key for key in self.attachments}
            if name not in known:
                raise PictureError(name)
            name = known[name]
        return super().image(text, name, title)


def _write_remark(cell: NotebookNode, folder: str = "") -> str:
    """Return a Markdown cell as HTML."""
    attachments = cell.get("attachments", {})
    renderer = _RemarkRenderer(
        escape=False, embed_images=True, path=folder, attachments=attachments
    )
    return str(MarkdownWithMath(renderer=renderer).render(cell.source))


class _PageExporter(HTMLExporter):
    def default_filters(self) -> Iterator[tuple[str, Callable[..., Any]]]:
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield "remark", _write_remark

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Fill in the template and leave it at that.

        HTMLExporter parses the page once more to add what the lab template lacks (alternative
        texts, focus). Our template has them, and it would cost five times as much as filling in.
        """
        html, resources = super(HTMLExporter, self).from_notebook_node(nb, resources, **options)
        return str(html), resources


@cache
def make_exporter(template: Path) -> HTMLExporter:
    """Return the exporter of a template; made once a process, for its templates are compiled."""
    return _PageExporter(  # type: ignore[no-untyped-call]
        template_name=template.name,
        extra_template_basedirs=[str(template.parent)],
        embed_images=True,
        # Ten preprocessors with nothing to do here would each copy and check the notebook.
        default_preprocessors=["nbconvert.preprocessors.ExtractAttachmentsPreprocessor"],
    )


def export_page(
    notebook: NotebookNode, page: dict[str, Any], template: Path, folder: str = ""
) -> str:
    """Return the HTML page of an executed notebook, which is not changed.

    ``page`` is what its end mark says: title, language, description and the like. The template finds
    it as ``resources["page"]`` and escapes it; the style sheet and the security policy are
    ``resources["css"]`` and ``resources["policy"]``. In ``folder`` lie the pictures that it names.

    Raises
    ------
    PictureError
        If the page would not show a picture.
    """
    resources = {
        "page": page | {"contents": _list_contents(notebook, page.get("contents", []), folder)},
        "policy": POLICY,
        "css": page_css(),
        "metadata": {"name": str(page.get("title", "")), "path": folder},
    }
    html, _ = make_exporter(template).from_notebook_node(notebook, resources=resources)
    lost = _NOT_INSIDE.search(html)
    if lost is not None:
        raise PictureError(lost[1])
    return str(html)


def _list_contents(
    notebook: NotebookNode, sections: list[dict[str, str]], folder: str
) -> list[dict[str, str]]:
    """Return a page's contents in its order: its sections, and the headings of its remarks."""
    known = {item["id"]: item for item in sections}
    found: dict[str, dict[str, str]] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "guide" not in cell.metadata.get("tags", []):
            for key, text in _HEADING.findall(_write_remark(cell, folder)):
                title = unescape(re.sub("<[^>]*>", "", text))
                found[unescape(key)] = {"id": unescape(key), "title": title}
        for output in cell.get("outputs", []):
            html = str(output.get("data", {}).get("text/html", ""))
            found |= {key: known[key] for key in _SECTION.findall(html) if key in known}
    return [*found.values(), *(item for key, item in known.items() if key not in found)]


def warm_up(template: Path) -> None:
    """Compile the template ahead, so that forked processes find it done."""
    output = {"output_type": "stream", "name": "stdout", "text": "-"}
    text = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "-"}
    code = {**text, "id": "b", "cell_type": "code", "execution_count": 1, "outputs": [output]}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [text, code]}
    # A template that cannot do without what a page's end mark says is compiled by then.
    with suppress(Exception):
        export_page(nbformat.from_dict(notebook), {}, template)  # type: ignore[no-untyped-call]

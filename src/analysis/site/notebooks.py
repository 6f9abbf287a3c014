"""The notebooks that make the pages: read once, checked against the settings beforehand."""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from analysis.params import Params
from analysis.problems import InputError, Problem, error
from analysis.tables.dictionary import dictionary
from analysis.tables.files import regular

_TAG = "parameters"


@dataclass(frozen=True)
class Source:
    """A notebook as it was when the run started: every page is made from the same text.

    Attributes
    ----------
    path : Path
        The file.
    text : str
        What stood in it.
    names : tuple of str
        The parameters that its cell tagged ``parameters`` names.
    reads : tuple of str, optional
        What its own code reads, as its metadata declare; anything by default.
    """

    path: Path
    text: str
    names: tuple[str, ...]
    reads: tuple[str, ...] | None = None

    def parameters(self, params: Params, **more: Any) -> dict[str, Any]:
        """Return the values of the parameters that it names."""
        values = {**params.model_dump(), **more}
        return {name: values[name] for name in self.names}


def read_source(path: Path, required: Collection[str]) -> Source:
    """Read a notebook and check the names of its parameters.

    Parameters
    ----------
    path : Path
        The notebook.
    required : collection of str
        The parameters that it has to name; it may name the fields of `Params` besides.

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
    names = _find_names(path, notebook)
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


@lru_cache(maxsize=2)
def parse_notebook(text: str) -> NotebookNode:
    """Return the notebook of a text; the same object for the same text, not to be changed."""
    notebook: NotebookNode = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def write_notebook(notebook: NotebookNode) -> str:
    """Return the text of an executed notebook.

    nbformat would break it into lines for version control and check it once more: as much work as
    exporting the page.
    """
    return json.dumps(notebook, ensure_ascii=False)


def import_ahead(text: str) -> None:
    """Import what a notebook imports, so that forks of this process find it done."""
    for cell in parse_notebook(text).cells:
        if cell.cell_type == "code":
            for name in _imported_names(cell.source):
                # What cannot be imported is for the notebook's own cell to say.
                with suppress(Exception):
                    importlib.import_module(name)


def _imported_names(code: str) -> Iterator[str]:
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a cell with IPython's magics
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _find_names(path: Path, notebook: NotebookNode) -> tuple[str, ...]:
    for cell in notebook.cells:
        if cell.cell_type == "code" and _TAG in cell.metadata.get("tags", []):
            try:
                return tuple(_assigned_names(ast.parse(cell.source)))
            except SyntaxError:
                message = "ô «parameters» phải chỉ gồm các phép gán, ví dụ year = 2024"
                raise InputError([_problem(path, message, "bad_parameters")]) from None
    message = "không có ô nào gắn thẻ «parameters»"
    raise InputError([_problem(path, message, "no_parameters")])


def _assigned_names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def _problem(path: Path, message: str, code: str, name: str = "") -> Problem:
    return error(message, code=code, file=path.name, column=name)

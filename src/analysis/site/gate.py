"""Is a page good? Never trust a status: look at what the notebook holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

#: What the last cell of a finished notebook displays; its data goes to the page's template.
END_MARK = "application/vnd.congdoan.end+json"


@dataclass(frozen=True)
class Failure:
    """Why a page is not good.

    Attributes
    ----------
    cell : int or None
        The cell, as JupyterLab counts the executed notebook's code cells (``In [3]`` is 3); None
        if it is not about one cell.
    error : str
        The error's name and message.
    line : str
        The first line of the cell.
    """

    cell: int | None
    error: str
    line: str = ""

    def __str__(self) -> str:
        """Return one Vietnamese line for a person."""
        if self.cell is None:
            return self.error
        return f"ô {self.cell} «{self.line}»: {self.error}"


def find_failure(notebook: NotebookNode) -> Failure | None:
    """Return the first thing that keeps an executed notebook from being a page.

    Every code cell must have run, without an error and without a word on stderr, and the last one
    must have displayed the end mark: a killed kernel, ``sys.exit(0)`` and a time limit all leave
    a notebook that papermill calls completed.
    """
    number = 0
    for number, cell in enumerate(_code_cells(notebook), start=1):
        wrong = _find_wrong(cell)
        if wrong is not None:
            return Failure(number, wrong, _first_line(cell.source))
    if read_end_mark(notebook) is None:
        return Failure(number or None, "ô cuối không có dấu kết thúc", _last_line(notebook))
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


def _last_line(notebook: NotebookNode) -> str:
    return next((_first_line(cell.source) for cell in _code_cells(notebook)[::-1]), "")

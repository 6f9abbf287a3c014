"""Throw-away notebooks, a small study, a template for the site's tests; and reading notebooks.

The other ``test_site_*`` modules import the makers from here.
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode, v4

from analysis.params import find_root, load_params
from analysis.plan import load_plan
from analysis.problems import InputError
from analysis.site import build as build_module
from analysis.site.engine import PageJob, Result
from analysis.site.notebooks import import_ahead, read_source
from analysis.site.pages import run_jobs
from analysis.study import Study
from analysis.tables.load import load_dataset

END = (
    "from IPython.display import display\n"
    'display({"application/vnd.congdoan.end+json": {"title": "A & <B>", "lang": "vi"}}, raw=True)'
)
UNITS = ("DN-DABAN", "DN-RLAN", "TH-HUC", "XA-XY", "DN-NUICAM", "MN-LIA")
_METADATA = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
_TEMPLATE = """\
<!DOCTYPE html><html lang="{{ resources.page.lang | e }}">
<title>{{ resources.page.title | e }}</title>
{%- for cell in nb.cells if cell.cell_type == "code" -%}
{%- for output in cell.outputs -%}<pre>{{ (output.text or "") | e }}</pre>{%- endfor -%}
{%- endfor -%}
</html>
"""


def make_notebook(*sources: str, tag: str = "parameters") -> NotebookNode:
    """A notebook of code cells, the first of them the parameters; ``# md`` starts a text cell."""
    cells = []
    for number, source in enumerate(sources):
        make = v4.new_markdown_cell if source.startswith("# md") else v4.new_code_cell
        cells.append(make(source, id=f"c{number}"))
    cells[0].metadata.tags = [tag]
    return v4.new_notebook(cells=cells, metadata=_METADATA)


def write_notebooks(
    folder: Path, *unit_cells: str, year_cells: Iterable[str] = (), area_cells: Iterable[str] = ()
) -> Path:
    """The notebooks of a site; all end with the end mark."""
    folder.mkdir(parents=True, exist_ok=True)
    unit = make_notebook('unit_id = ""\nyear = 0', *unit_cells, END)
    nbformat.write(unit, folder / "cdcs.ipynb")
    nbformat.write(make_notebook("year = 0", *year_cells, END), folder / "year.ipynb")
    area = make_notebook('scope = ""\nscope_id = ""\nyear = 0', *area_cells, END)
    nbformat.write(area, folder / "area.ipynb")
    return folder


def write_template(folder: Path) -> Path:
    (folder / "mini").mkdir(parents=True, exist_ok=True)
    (folder / "mini" / "conf.json").write_text(json.dumps({"mimetypes": {"text/html": True}}))
    (folder / "mini" / "index.html.j2").write_text(_TEMPLATE, "utf-8")
    return folder / "mini"


def make_study(folder: Path, units: Iterable[str] = UNITS, year: int = 2024) -> Study:
    """The sample with a few units only."""
    root, chosen = find_root(), set(units)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted((root / "data" / "sample").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        if "unit_id" in header:
            rows = [row for row in rows if row[header.index("unit_id")] in chosen]
        if "holder_id" in header:
            rows = [row for row in rows if row[header.index("holder_id")] in chosen]
        if path.stem == "lineage":
            rows = []
        with (folder / path.name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows])
    params = load_params(year, root=root).model_copy(
        update={"data": str(folder), "page_seconds": 30}
    )
    return Study(params, load_plan(root / params.plan), load_dataset(folder), root)


def make_task(notebook: NotebookNode, template: Path, **changes: object) -> PageJob:
    values = {
        "page": "year.html",
        "notebook": nbformat.writes(notebook),
        "parameters": {"year": 2024},
        "cwd": str(template.parent),
        "seconds": 30.0,
        "megabytes": 1000,
        "template": template,
        "start": "fork",
    }
    return PageJob(**{**values, **changes})  # type: ignore[arg-type]


def make_page(task: PageJob) -> Result:
    """A page in a process of its own."""
    (result,) = run_jobs([task], 1)
    return result


def fill_disk_at(patch: pytest.MonkeyPatch, name: str) -> None:
    """Let the build meet a full disk when it writes a file of this name."""
    real = build_module.write_atomically

    def fail(path: Path, content: str | bytes) -> None:
        if path.name == name:
            raise OSError(28, "No space left on device")
        real(path, content)

    patch.setattr(build_module, "write_atomically", fail)


def wait_until(is_so: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.02)
    return is_so()


def is_alive(process: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


# --- Reading notebooks --------------------------------------------------------------------------


def save(path: Path, notebook: NotebookNode) -> Path:
    nbformat.write(notebook, path)
    return path


def codes(caught: pytest.ExceptionInfo[InputError]) -> list[tuple[str, str]]:
    return [(problem.code, problem.column) for problem in caught.value.problems]


def test_parameters_are_those_that_the_notebook_names(tmp_path: Path) -> None:
    cell = 'unit_id: str = "X"\nyear = 2024\nmin_peers = 3'
    source = read_source(save(tmp_path / "a.ipynb", make_notebook(cell)), ["unit_id", "year"])
    params = load_params(2023).model_copy(update={"min_peers": 7})
    assert source.parameters(params, unit_id="0042") == {
        "unit_id": "0042",
        "year": 2023,
        "min_peers": 7,
    }


def test_misspelt_parameter_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ipynb", make_notebook('unitid = "X"\nyear = 2024'))
    with pytest.raises(InputError) as caught:
        read_source(path, ["unit_id", "year"])
    assert codes(caught) == [("unknown_parameter", "unitid"), ("no_parameter", "unit_id")]


def test_missing_tag_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ipynb", make_notebook("year = 2024", tag="other"))
    with pytest.raises(InputError) as caught:
        read_source(path, ["year"])
    assert codes(caught) == [("no_parameters", "")]


@pytest.mark.parametrize("text", ["", "{", '{"cells": []}', "[]"])
def test_what_is_no_notebook_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.ipynb").write_text(text)
    with pytest.raises(InputError):
        read_source(tmp_path / "a.ipynb", ["year"])
    with pytest.raises(InputError):
        read_source(tmp_path / "none.ipynb", ["year"])


def test_imports_ahead_survive_anything(tmp_path: Path) -> None:
    cells = ("year = 1", "%matplotlib inline\nimport os", "import colorsys, no_such_module_here")
    import_ahead(read_source(save(tmp_path / "a.ipynb", make_notebook(*cells)), ["year"]).text)

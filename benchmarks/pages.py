"""Reports a second: the runner against papermill and nbconvert as one would use them by hand.

Every way makes the same pages of the same notebook. The ways take turns, round by round; each has a
process of its own, sets itself up untimed, and prints what it measured.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "cdcs.ipynb"
YEAR = 2024
Measured = dict[str, float]


# --- The ways ----------------------------------------------------------------------------------


def runner(units: Sequence[str], jobs: int) -> Measured:
    """The runner: papermill in a fork of the warm process for each page."""
    from analysis.loading import load
    from analysis.site.pages import rehearse, run_jobs

    study = load(YEAR)
    tasks = [_task(study, unit) for unit in units]
    rehearse(study, tasks)
    began = time.perf_counter()
    results = list(run_jobs(tasks, jobs))
    wall = time.perf_counter() - began
    assert all(result.failure is None for result in results), results
    return {"wall": wall}


def cpu(units: Sequence[str], jobs: int) -> Measured:
    """CPU of a page of the runner's, and of the same cells as plain Python in one warm process.

    Page by page in turns, nothing beside them: two processes at work slow each other down, and how
    fast a virtual machine is changes from second to second.
    """
    import nbformat

    from analysis.loading import load
    from analysis.pages.template import TEMPLATE
    from analysis.site.notebooks import export_page, read_end_mark
    from analysis.site.pages import rehearse, run_jobs

    text = NOTEBOOK.read_text("utf-8")

    def make(unit: str) -> float:
        began = _cpu()
        names: dict[str, Any] = {}
        notebook = nbformat.reads(text, 4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                shown = _run(cell.source, names)
                cell.execution_count, cell.outputs = 1, _outputs(shown)
                if "unit_id" in names:
                    names["unit_id"] = unit
        page = export_page(notebook, read_end_mark(notebook) or {}, TEMPLATE)
        assert "</html>" in page
        return _cpu() - began

    study = load(YEAR)
    tasks = [_task(study, unit) for unit in units]
    rehearse(study, tasks)
    os.chdir(NOTEBOOK.parent)
    make(units[0])
    make(units[-1])
    before, plain = _cpu(), 0.0
    for unit, result in zip(units, run_jobs(tasks, 1), strict=True):
        assert result.failure is None, result
        plain += make(unit)
    return {"runner": _cpu() - before - plain, "plain": plain}


def command_line(units: Sequence[str], jobs: int) -> Measured:
    """A loop over ``papermill`` and ``jupyter nbconvert``, as many at a time as there are jobs."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        began = time.perf_counter()
        list(pool.map(lambda unit: _by_command(unit, Path(folder)), units))
        return {"wall": time.perf_counter() - began}


def _by_command(unit: str, folder: Path) -> None:
    done = folder / f"{unit}.ipynb"
    tools = Path(sys.executable).parent
    papermill = [str(tools / "papermill"), str(NOTEBOOK), str(done), "-r", "unit_id", unit]
    subprocess.run(
        [*papermill, "--no-progress-bar", "--cwd", str(NOTEBOOK.parent)],
        check=True,
        capture_output=True,
    )
    nbconvert = [str(tools / "jupyter"), "nbconvert", "--to", "html", "--no-input", str(done)]
    subprocess.run(nbconvert, check=True, capture_output=True)
    assert (folder / f"{unit}.html").is_file()


def api(units: Sequence[str], jobs: int) -> Measured:
    """papermill's and nbconvert's Python API in a pool of processes, an exporter for each."""
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(jobs) as pool:
        list(pool.map(_warm_api, range(jobs)))
        began = time.perf_counter()
        list(pool.map(_by_api, units, [folder] * len(units)))
        return {"wall": time.perf_counter() - began}


_exporter: Any = None


def _warm_api(_: int) -> None:
    global _exporter
    import papermill  # noqa: F401
    from nbconvert import HTMLExporter

    _exporter = HTMLExporter(exclude_input=True)
    time.sleep(0.5)  # so that each process gets one


def _by_api(unit: str, folder: str) -> None:
    import nbformat
    import papermill

    done = str(Path(folder) / f"{unit}.ipynb")
    papermill.execute_notebook(
        str(NOTEBOOK), done, {"unit_id": unit}, progress_bar=False, cwd=str(NOTEBOOK.parent)
    )
    html, _ = _exporter.from_notebook_node(nbformat.read(done, 4))
    (Path(folder) / f"{unit}.html").write_text(html, "utf-8")


def memory(units: Sequence[str], jobs: int) -> Measured:
    """Private memory of a page's process, at its end."""
    import nbformat

    from analysis.loading import load
    from analysis.site.pages import rehearse, run_jobs

    look = (
        "import os\n"
        "def private(process):\n"
        "    lines = open(f'/proc/{process}/smaps_rollup').read().splitlines()\n"
        "    return sum(int(x.split()[1]) for x in lines if x.startswith('Private'))\n"
        "print('private', private(os.getpid()))"
    )
    notebook = nbformat.read(NOTEBOOK, 4)
    notebook.cells.insert(-1, nbformat.v4.new_code_cell(look))
    study = load(YEAR)
    tasks = [_task(study, unit, nbformat.writes(notebook)) for unit in units]
    rehearse(study, tasks)
    found = 0
    for result in run_jobs(tasks, jobs):
        assert result.executed is not None
        found = max(found, int(result.executed.split("private ")[1].split("\\n")[0]))
    return {"page": found / 1024}


def rerun(units: Sequence[str], jobs: int) -> Measured:
    """``congdoan report`` of a whole year in which nothing has changed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "analysis", "report", "--year", str(YEAR)]
        command += ["--out", f"{folder}/{YEAR}"]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        found = []
        for _ in range(5):
            before, began = _cpu(), time.perf_counter()
            done = subprocess.run(command, check=True, capture_output=True, cwd=ROOT, text=True)
            found.append((time.perf_counter() - began, _cpu() - before))
            assert "Đã làm 0 trang" in done.stdout
        began = time.perf_counter()
        bare = "import click, pydantic, yaml"
        subprocess.run([sys.executable, "-c", bare], check=True)
        start_up = time.perf_counter() - began
    wall, cpu = (statistics.median(values) for values in zip(*found, strict=True))
    return {"wall": wall, "cpu": cpu, "start_up": start_up}


# --- Their parts -------------------------------------------------------------------------------


def _task(study: Any, unit: str, text: str | None = None) -> Any:
    from analysis.pages.template import TEMPLATE
    from analysis.site.engine import PageJob
    from analysis.site.notebooks import read_source

    source = read_source(NOTEBOOK, ["unit_id", "year"])
    return PageJob(
        page=f"cdcs/{unit}.html",
        notebook=text or source.text,
        parameters=source.parameters(study.params, unit_id=unit),
        cwd=str(NOTEBOOK.parent),
        seconds=300.0,
        megabytes=4000,
        template=TEMPLATE,
        start="fork",
    )


def _run(source: str, names: dict[str, Any]) -> Any:
    """Run a cell and return the value of its last expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)


def _outputs(shown: Any) -> list[Any]:
    from nbformat.v4 import new_output

    if shown is None:
        return []
    if hasattr(shown, "_repr_mimebundle_"):
        return [new_output("execute_result", data=shown._repr_mimebundle_(), execution_count=1)]
    return [
        new_output("execute_result", data={"text/html": shown._repr_html_()}, execution_count=1)
    ]


def _cpu() -> float:
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in found)


# --- The measurement ---------------------------------------------------------------------------

WAYS: dict[str, Callable[[Sequence[str], int], Measured]] = {
    "runner": runner,
    "command_line": command_line,
    "api": api,
    "cpu": cpu,
    "memory": memory,
    "rerun": rerun,
}
#: How many reports a way makes in a round: the slow ones fewer, everything is told per report.
PAGES = {"runner": 24, "command_line": 4, "api": 8, "cpu": 24}


def measure(way: str, units: Sequence[str], jobs: int) -> Measured:
    """Measure one way in a process of its own."""
    command = [sys.executable, __file__, "--way", way, "--jobs", str(jobs), "--units", *units]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    found: Measured = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(units: Sequence[str], rounds: int, jobs: int) -> None:
    """Measure the ways in turns and print the goals' table."""
    found: dict[str, list[Measured]] = {way: [] for way in PAGES}
    for number in range(rounds):
        for way, count in PAGES.items():
            chosen = [units[(number * 7 + place) % len(units)] for place in range(count)]
            measured = measure(way, chosen, jobs)
            found[way].append({key: value / count for key, value in measured.items()})
        print(f"round {number + 1}: load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    for way, measured in found.items():
        for key in measured[0]:
            name, unit = (key, "CPU") if way == "cpu" else (way, key)
            each = statistics.median(m[key] for m in measured)
            print(f"{name:14} {each * 1000:8.0f} ms {unit} a report")
    for way, goal in (("command_line", ">= 10"), ("api", ">= 4")):
        pairs = zip(found[way], found["runner"], strict=True)
        ratios = [other["wall"] / own["wall"] for other, own in pairs]
        print(f"{way} / runner, wall: {_spread(ratios)}  (goal {goal})")
    ratios = [both["runner"] / both["plain"] for both in found["cpu"]]
    print(f"runner / plain, CPU: {_spread(ratios)}  (goal <= 1.2)")
    again = measure("rerun", [], jobs)
    print(
        f"rerun of {len(units) + 1} pages, nothing changed: {again['wall']:.2f} s wall, "
        f"{again['cpu']:.2f} s CPU, of which {again['start_up']:.2f} s start Python and its libraries "
        "(goal <= 1.5)"
    )
    held = measure("memory", units[:8], jobs)
    print(f"private memory of a page's process: {held['page']:.0f} MB (goal <= 60)")


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--units", nargs="*", default=[])
    args = parser.parse_args()
    if args.way:
        print(json.dumps(WAYS[args.way](args.units, args.jobs)))
        return
    from analysis import load

    units = [str(key) for key in load(YEAR).expected_units(YEAR).index]
    compare(units, args.rounds, args.jobs)


if __name__ == "__main__":
    main()

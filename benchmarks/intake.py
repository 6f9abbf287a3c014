"""How long it takes to take 120,000 returns in as one table, and a folder of forms, and how much memory.

    python benchmarks/intake.py [--units 120000] [--form csv xlsx] [--forms 400]

The register lies in the dataset folder as a CSV file, so the import also makes the store. Each form
is imported in a process of its own: reading, every check, the store, warnings; then the store is read
once more, as a report would. Goal: 2 minutes and 2 GB. The forms are those of ``congdoan template``,
filled; goal: 60 ms a form.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.plan import load_plan
from analysis.results.members import is_expected
from analysis.store.history import export_dataset
from analysis.tables.dictionary import dictionary
from analysis.tables.files import STORE
from analysis.tables.texts import spell_column

ROOT = Path(__file__).parents[1]
PLAN = ROOT / "params" / "plan" / "nq02-huong-hoa.yaml"
#: ru_maxrss counts kilobytes on Linux, bytes on macOS.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def make_files(units: int, folder: Path, forms: list[str]) -> dict[str, Path]:
    """Write the register into a dataset folder, and the returns of the expected units beside it."""
    from national import make_nation

    nation = make_nation(units, 1)
    returns = nation.returns
    roster = nation.roster[is_expected(nation.roster, load_plan(PLAN))]
    returns = returns[returns["unit_id"].isin(roster["unit_id"])]
    export_dataset(nation, folder / "data", folder)
    for name in dictionary().tables:
        if name != "roster":
            (folder / "data" / f"{name}.csv").unlink()
    text = pd.DataFrame({name: spell_column(returns[name]) for name in returns.columns})
    paths = {form: folder / f"returns.{form}" for form in forms}
    for form, path in paths.items():
        write = {"csv": text.to_csv, "xlsx": _to_excel(text)}[form]
        write(path, index=False)
    return paths


def _to_excel(text: pd.DataFrame):
    headings = {name: column.vi for name, column in dictionary().tables["returns"].columns.items()}
    return text.rename(columns=headings).to_excel


def make_forms(count: int, folder: Path) -> None:
    """Write a register into a dataset folder, and the filled forms of its units beside it."""
    import openpyxl
    from national import FIRST_YEAR

    from analysis.intake.forms import write_forms
    from analysis.intake.writings import form_texts
    from analysis.loading import load

    make_files(count, folder, ["csv"])
    returns = pd.read_csv(folder / "returns.csv", dtype=str, keep_default_na=False)
    returns[:0].to_csv(folder / "data" / "returns.csv", index=False)
    cells = returns.set_index("unit_id").to_dict("index")
    answers = form_texts()["answers"]
    study = load(FIRST_YEAR, data=str(folder / "data"), plan=str(PLAN))
    for path in write_forms(study, folder / "forms", FIRST_YEAR):
        own = cells.get(path.name.partition("_")[0])
        if own is None:
            path.unlink()
            continue
        workbook = openpyxl.load_workbook(path)
        for row in workbook.worksheets[0].iter_rows():
            table, _, name = str(row[-1].value).partition(".")
            if table == "returns" and own.get(name) and name not in ("year", "unit_id"):
                row[3].value = answers.get(own[name]) or _number(own[name])
        workbook.save(path)


def _number(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def measure_forms(folder: Path) -> None:
    """Import the forms and print what one took, beside openpyxl; run in a process of its own."""
    import openpyxl

    from analysis.intake import read_delivery, reader
    from analysis.store.take_in import Occasion, take_in

    plan, paths = load_plan(PLAN), sorted((folder / "forms").iterdir())
    began = time.monotonic()
    recap = take_in(folder / "data", paths, read_delivery, plan, Occasion())
    seconds = time.monotonic() - began
    reader.stop_child()
    ours, child = _cpu(resource.RUSAGE_SELF), _cpu(resource.RUSAGE_CHILDREN)
    began = time.process_time()
    for path in paths:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
        for sheet in workbook:
            list(sheet.iter_rows(values_only=True))
        workbook.close()
    plain = time.process_time() - began
    accepted = sum(taken.outcome == "accepted" for taken in recap.files)
    print(f"{len(paths)} forms, {accepted} accepted: {1000 * seconds / len(paths):.0f} ms a form,")
    print(f"  CPU {1000 * ours / len(paths):.0f} ms, reading {1000 * child / len(paths):.0f} ms")
    print(f"  all of it / openpyxl handing over the cells: {(ours + child) / plain:.2f}")
    for taken in recap.files:
        if taken.outcome != "accepted":
            raise SystemExit(f"not taken in: {taken.path.name}: {taken.problems}")


def measure(folder: Path, path: Path) -> None:
    """Import one file into a folder and print what it took; run in a process of its own."""
    from analysis.intake import read_delivery, reader
    from analysis.store.take_in import Occasion, take_in
    from analysis.tables.load import read_dataset

    began = time.monotonic()
    recap = take_in(folder, [path], read_delivery, load_plan(PLAN), Occasion())
    seconds = time.monotonic() - began
    (taken,) = recap.files
    peak = _peak(resource.RUSAGE_SELF)
    reader.stop_child()  # its memory is known once it has ended
    child = _peak(resource.RUSAGE_CHILDREN)
    print(f"{path.name}: {taken.outcome}, {taken.rows} rows, {len(recap.warnings)} warnings")
    for problem in taken.problems[:5]:
        print(f"  {problem}")
    cpu = _cpu(resource.RUSAGE_SELF) + _cpu(resource.RUSAGE_CHILDREN)
    print(
        f"  {seconds:.1f} s ({cpu:.1f} s of CPU), {path.stat().st_size / 1e6:.1f} MB in,", end=" "
    )
    print(f"peak {peak:.2f} GB, and {child:.2f} GB in the process that reads")
    began = time.monotonic()
    dataset, problems = read_dataset(folder)
    size = (folder / STORE).stat().st_size / 1e6
    seconds = time.monotonic() - began
    print(f"  store of {size:.1f} MB, read in {seconds:.1f} s ({len(dataset.returns)} returns)")
    if taken.outcome != "accepted" or problems:
        raise SystemExit(f"not taken in: {len(taken.problems)} problems")


def _cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def _peak(who: int) -> float:
    return resource.getrusage(who).ru_maxrss * _MAXRSS_UNIT / 1e9


def main() -> None:
    """Measure each form."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=120_000)
    parser.add_argument("--form", nargs="*", choices=["csv", "xlsx"], default=["csv", "xlsx"])
    parser.add_argument("--forms", type=int, default=400, help="units; about a tenth sends none")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for form in given.form:
            folder = Path(name) / form
            _apart(make_files, given.units, folder, [form])
            _apart(measure, folder / "data", folder / f"returns.{form}")
        if given.forms:
            folder = Path(name) / "forms"
            _apart(make_forms, given.forms, folder)
            _apart(measure_forms, folder)


def _apart(target: Callable[..., None], *arguments: Any) -> None:
    """Run a step in a process of its own, so that what it uses is its own."""
    worker = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    worker.start()
    worker.join()
    if worker.exitcode:
        raise SystemExit(worker.exitcode)


if __name__ == "__main__":
    main()

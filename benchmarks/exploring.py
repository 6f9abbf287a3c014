"""What an analyst's questions cost, beside the whole indicator table: on the sample and on 2,000 units.

    python benchmarks/exploring.py [--units 2000] [--years 4]

Each question is asked twice in one process: the first time also imports and remembers what it needs.
Goal: 0.3 s on the sample, 3 s on 2,000 units x 4 years. CPU seconds; the ratio is the second asking
divided by the time of the table.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from national import make_nation

from analysis.loading import load
from analysis.store.history import export_dataset
from analysis.study import Study

YEAR = 2024


def questions(study: Study) -> dict[str, Callable[[], object]]:
    units = study.expected_units(YEAR).query("has_return")
    unit, name = units.index[0], str(units["name"].iloc[0])
    one, other = map(str, units["commune"].unique()[:2])
    same, item = "same_perimeter", "informed_all"
    return {
        "the study itself": study._repr_html_,
        "find": lambda: study.find(name),
        "results": lambda: study.results(year=YEAR)._repr_html_(),
        "board": lambda: study.board(YEAR),
        "missed": lambda: study.missed("cadres_trained"),
        "trend": lambda: study.trend(item, of=one),
        "trend, same perimeter": lambda: study.trend(item, basis=same),
        "outliers": lambda: study.outliers(YEAR),
        "missing": lambda: study.missing(YEAR),
        "compare years": lambda: study.compare(YEAR - 1, YEAR),
        "compare, same perimeter": lambda: study.compare(YEAR - 1, YEAR, basis=same),
        "compare communes": lambda: study.compare(one, other, year=YEAR),
        "tasks": lambda: study.tasks(YEAR),
        "needed": study.needed,
        "assume a count": lambda: study.assume({(unit, "informed"): 0}).difference(),
        "assume workers": lambda: study.assume({(unit, "workers_total"): None}).difference(),
        "assume a type": lambda: study.assume({(unit, "unit_type"): "cooperative"}).difference(),
    }


def timed(ask: Callable[[], object]) -> float:
    start = time.process_time()
    ask()
    return time.process_time() - start


def measure(title: str, data: Path | None) -> None:
    study = load(YEAR, data=data)
    table = timed(lambda: study.table)
    print(f"\n{title}: the table {table:.2f} s\n")
    print("| question | first | again | ratio |\n|---|--:|--:|--:|")
    for name, ask in questions(study).items():
        first, again = timed(ask), timed(ask)
        print(f"| {name} | {first:.3f} | {again:.3f} | {again / table:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=2000)
    parser.add_argument("--years", type=int, default=4)
    given = parser.parse_args()
    measure("the sample", None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        folder.mkdir()
        export_dataset(make_nation(given.units, given.years), folder, Path(name))
        measure(f"{given.units} units x {given.years} years", folder)


if __name__ == "__main__":
    main()

"""Time and memory of the whole indicator table: the engine, and polars beside it.

    python benchmarks/indicators.py [--units 120000] [--years 1 5] [--rounds 5] [--csv 1]

Each of the two lives in a process of its own, makes the same made-up nation (not timed) and then
computes the table once a round, in turn with the other; the first round warms up and is dropped.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from equality import differing_columns
from national import make_nation
from polars_table import compute_table, to_polars

from analysis.indicators import compute_indicators, write_table
from analysis.plan import load_plan

PLAN = Path(__file__).resolve().parents[1] / "params" / "plan" / "nq02-huong-hoa.yaml"
STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
EQUALITY_UNITS = 2000

Measured = dict[str, float]


# In a process of its own


def work(name: str, units: int, years: int, pipe: Connection) -> None:
    """Set up, then run a round whenever asked, until told to stop."""
    compute, write, converted = SETUPS[name](units, years)
    pipe.send({"converted": converted})
    while (order := pipe.recv()) != "stop":
        pipe.send(_round(compute, write if order == "csv" else None))


def _set_up_engine(units: int, years: int) -> tuple[Callable[[], Any], Callable[..., None], float]:
    plan, dataset = load_plan(PLAN), make_nation(units, years)
    return lambda: compute_indicators(dataset, plan), write_table, 0.0


def _set_up_polars(units: int, years: int) -> tuple[Callable[[], Any], Callable[..., None], float]:
    plan, dataset = load_plan(PLAN), make_nation(units, years)
    start = time.perf_counter()
    tables = to_polars(dataset)
    converted = time.perf_counter() - start
    return lambda: compute_table(tables, plan), lambda t, path: t.write_csv(path), converted


SETUPS = {"engine": _set_up_engine, "polars": _set_up_polars}


def _round(compute: Callable[[], Any], write: Callable[..., None] | None) -> Measured:
    _reset_peak()
    start, used = time.perf_counter(), time.process_time()
    table = compute()
    measured = {
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - used,
        "peak": _peak(),
        "rows": len(table),
    }
    if write is not None:
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            write(table, Path(folder) / "table.csv")
            measured["csv"] = time.perf_counter() - start
    return measured


def _reset_peak() -> None:
    """Forget the peak of the set-up (Linux can; elsewhere the peak is the whole process's)."""
    if CLEAR.exists():
        CLEAR.write_text("5")


def _peak() -> float:
    """Return the peak of resident memory in GB, data included."""
    if STATUS.exists():
        line = next(x for x in STATUS.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e9
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


# In turn


class Worker:
    """One of the two, in a process of its own."""

    def __init__(self, name: str, units: int, years: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(name, units, years, theirs))
        self.process.start()
        theirs.close()
        self.converted = self.pipe.recv()["converted"]
        self.rounds: list[Measured] = []

    def run(self, order: str = "round") -> Measured:
        self.pipe.send(order)
        measured: Measured = self.pipe.recv()
        return measured

    def stop(self) -> None:
        self.pipe.send("stop")
        self.process.join()

    def median(self, what: str) -> float:
        return median(measured[what] for measured in self.rounds)


def measure(units: int, years: int, rounds: int, *, csv: bool) -> str:
    """Return the table's lines for one size."""
    workers = {name: Worker(name, units, years) for name in SETUPS}
    for turn in range(rounds + 1):
        for worker in workers.values():
            measured = worker.run()
            if turn > 0:
                worker.rounds.append(measured)
    engine, other = workers["engine"], workers["polars"]
    written = {name: w.run("csv")["csv"] if csv else None for name, w in workers.items()}
    for worker in workers.values():
        worker.stop()
    cells = [f"{units:,} × {years}", f"{engine.median('rows'):,.0f}"]
    for clock in ("seconds", "cpu"):
        cells += [f"{engine.median(clock):.2f}", f"{other.median(clock):.2f}"]
        pairs = zip(engine.rounds, other.rounds, strict=True)
        ratios = [ours[clock] / theirs[clock] for ours, theirs in pairs]
        cells += [f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"]
    cells += [f"{engine.median('peak'):.1f}", f"{other.median('peak'):.1f}"]
    cells += [f"{other.converted:.2f}"]
    cells += ["–" if seconds is None else f"{seconds:.0f}" for seconds in written.values()]
    return _line(cells)


HEADINGS = (
    *("units × years", "rows", "engine s", "polars s", "ratio (range)"),
    *("engine CPU s", "polars CPU s", "ratio (range)"),
    *("engine peak GB", "polars peak GB", "into polars s", "engine CSV s", "polars CSV s"),
)


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def check_equality() -> None:
    """Refuse to measure two computations that differ."""
    plan, dataset = load_plan(PLAN), make_nation(EQUALITY_UNITS, 5)
    different = differing_columns(
        compute_indicators(dataset, plan), compute_table(to_polars(dataset), plan)
    )
    if different:
        sys.exit(f"engine and polars differ in: {', '.join(different)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="The engine beside polars.")
    parser.add_argument("--units", type=int, default=120_000)
    parser.add_argument("--years", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--csv", type=int, nargs="*", default=[1], help="years to write as CSV")
    given = parser.parse_args()
    # As `congdoan` does; the processes that are measured inherit it.
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
    check_equality()
    packages = ", ".join(f"{name} {version(name)}" for name in ("pandas", "numpy", "polars"))
    print(f"Python {platform.python_version()}, {packages}; {os.cpu_count()} cores\n")
    print(_line(HEADINGS))
    print(_line(["--:"] * len(HEADINGS)))
    for years in given.years:
        print(measure(given.units, years, given.rounds, csv=years in given.csv), flush=True)


if __name__ == "__main__":
    main()

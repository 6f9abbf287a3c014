"""Time and memory of the whole indicator table, beside the same table of another checkout.

    python benchmarks/indicators.py [--against FOLDER] [--units 120000] [--years 1 5] [--rounds 5]

Each of the two lives in a process of its own, makes the same made-up nation (not timed) and then
computes the table once a round, in turn with the other; the first round warms up and is dropped.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
CLEAR, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
HEADINGS = (
    "units × years",
    "rows",
    "seconds",
    "CPU s",
    "peak GB",
    "CSV s",
    "CPU / other's (range)",
)

Measured = dict[str, float]


# In a process of its own


def serve(units: int, years: int) -> None:
    """Make the nation, then run a round for every line that comes in."""
    from national import make_nation

    import analysis
    from analysis.plan import load_plan
    from analysis.results import compute_indicators, write_table

    # Each engine computes its own plan: another version may not know this one's keys.
    checkout = Path(analysis.__file__).parents[2]
    plan = load_plan(checkout / "params" / "plan" / "nq02-huong-hoa.yaml")
    dataset = make_nation(units, years)
    for order in sys.stdin:
        if CLEAR.exists():
            CLEAR.write_text("5")  # forgets the peak of the set-up
        start, used = time.perf_counter(), time.process_time()
        table = compute_indicators(dataset, plan)
        measured: Measured = {
            "seconds": time.perf_counter() - start,
            "cpu": time.process_time() - used,
            "rows": len(table),
        }
        if STATUS.exists():
            line = next(x for x in STATUS.read_text().splitlines() if x.startswith("VmHWM"))
            measured["peak"] = int(line.split()[1]) * 1024 / 1e9
        if order.strip() == "csv":
            with tempfile.TemporaryDirectory() as folder:
                start = time.perf_counter()
                write_table(table, Path(folder) / "table.csv")
                measured["csv"] = time.perf_counter() - start
        print(json.dumps(measured), flush=True)


class Worker:
    """The engine of one checkout, in a process of its own."""

    def __init__(self, checkout: Path, units: int, years: int) -> None:
        command = [sys.executable, __file__, "--serve", str(units), str(years)]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(checkout / "src")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.rounds: list[Measured] = []

    def run(self, order: str) -> Measured:
        assert self.process.stdin
        assert self.process.stdout
        print(order, file=self.process.stdin, flush=True)
        measured: Measured = json.loads(self.process.stdout.readline())
        return measured

    def stop(self) -> None:
        self.process.communicate()

    def median(self, what: str) -> float:
        return median(measured[what] for measured in self.rounds)


def measure(checkouts: list[Path], units: int, years: int, rounds: int) -> None:
    """Print a line for each checkout."""
    workers = [Worker(checkout, units, years) for checkout in checkouts]
    for turn in range(rounds + 1):
        for worker in workers:
            measured = worker.run("round")
            worker.rounds += [measured] if turn else []
    other = workers[-1]
    for worker in workers:
        written = worker.run("csv")["csv"] if years == 1 else None
        pairs = zip(worker.rounds, other.rounds, strict=True)
        ratios = [ours["cpu"] / theirs["cpu"] for ours, theirs in pairs]
        told = f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        cells = [f"{units:,} × {years}", f"{worker.median('rows'):,.0f}"]
        cells += [f"{worker.median(clock):.2f}" for clock in ("seconds", "cpu")]
        cells += [f"{worker.median('peak'):.1f}", "–" if written is None else f"{written:.1f}"]
        print_line([*cells, "–" if worker is other else told])
    for worker in workers:
        worker.stop()


def print_line(cells: list[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="The engine beside another checkout's.")
    parser.add_argument("--against", type=Path, help="a checkout of another version")
    parser.add_argument("--units", type=int, default=120_000)
    parser.add_argument("--years", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", type=int, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(*given.serve)
        return
    # As `congdoan` does; the processes that are measured inherit it.
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
    packages = ", ".join(f"{name} {version(name)}" for name in ("pandas", "numpy"))
    print(f"Python {platform.python_version()}, {packages}; {os.cpu_count()} cores\n")
    print_line(list(HEADINGS))
    print_line(["--:"] * len(HEADINGS))
    checkouts = [ROOT, given.against.resolve()] if given.against else [ROOT]
    for years in given.years:
        measure(checkouts, given.units, years, given.rounds)


if __name__ == "__main__":
    main()

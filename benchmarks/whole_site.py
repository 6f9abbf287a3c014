"""What a site of 2,000 unions costs: seconds by stage, memory, files.

    python benchmarks/whole_site.py [--units 2000] [--pages 200] [--jobs 2]

The first pages of the nation of `national.py`, two years of it in 40 communes, as `congdoan report
--unit …` makes them: the study, the plan of all pages, these pages and the year's, the data beside
them, the index and the ledger of all units. ``--pages 0`` makes every page. Then the same once more,
with nothing to do.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import national

from analysis.params import load_params
from analysis.site import build
from analysis.site.run import Order, run_report
from analysis.store.history import export_dataset

ROOT = Path(__file__).parents[1]
#: Functions of the build, whose time is told; the rest is reading, the index and the ledger.
_STAGES = ("plan_pages", "write_data", "rehearse", "_make_pages")


def main() -> None:
    """Make the site and print what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=2000)
    parser.add_argument("--pages", type=int, default=200, help="of units; 0: every page")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    national.COMMUNES, national.PARENTS = 40, 8
    year = national.FIRST_YEAR + 1
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "data", Path(name) / "site"
        nation = national.make_nation(given.units, 2)
        export_dataset(nation, folder, folder)
        roster = nation.roster[nation.roster["year"] == year]
        params = load_params(year, root=ROOT).model_copy(update={"data": str(folder)})
        living = roster["dissolved_on"].isna() & roster["founded_on"].isna()
        units = roster.loc[living, "unit_id"].head(given.pages).to_list() or None
        del nation, roster
        seconds: dict[str, float] = {}
        for stage in _STAGES:
            setattr(build, stage, _timed(getattr(build, stage), stage, seconds))
        began = time.monotonic()
        order = Order(units=units, jobs=given.jobs)
        outcome = run_report(params, ROOT, out, order)
        whole = time.monotonic() - began
        made, cpu = outcome.made, _used(resource.RUSAGE_CHILDREN)
        print(
            f"{given.units} units, {made} pages made, {len(outcome.failures)} failed: {whole:.0f} s"
        )
        for stage, took in seconds.items():
            print(f"  {stage}: {took:.1f} s")
        print(f"  the rest: {whole - sum(seconds.values()):.1f} s")
        print(f"  a page: {seconds['_make_pages'] / made:.2f} s, {cpu / made:.2f} s of CPU")
        for who, whose in (("parent", resource.RUSAGE_SELF), ("page", resource.RUSAGE_CHILDREN)):
            print(f"  peak of a {who}: {resource.getrusage(whose).ru_maxrss / 1000:.0f} MB")
        files = [
            path for path in Path(name).rglob("*") if path.is_file() and folder not in path.parents
        ]
        pages = [path for path in files if path.suffix == ".html"]
        for what, found in (("site and what lies beside it", files), ("pages", pages)):
            size = sum(path.stat().st_size for path in found) / 1e6
            print(f"  {what}: {len(found)} files, {size:.0f} MB")
        for one in ("index.html", "ledger.json"):
            print(f"  {one}: {(out / one).stat().st_size / 1e6:.2f} MB")
        began = time.monotonic()
        run_report(params, ROOT, out, order)
        print(f"  again, nothing to do: {time.monotonic() - began:.1f} s")


def _timed(
    function: Callable[..., Any], name: str, seconds: dict[str, float]
) -> Callable[..., Any]:
    def timed(*arguments: Any, **more: Any) -> Any:
        began = time.monotonic()
        try:
            return function(*arguments, **more)
        finally:
            seconds[name] = seconds.get(name, 0.0) + time.monotonic() - began

    return timed


def _used(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()

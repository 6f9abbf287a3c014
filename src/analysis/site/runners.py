"""Where pages are made: in worker processes of this machine, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from analysis.site.cluster import run_on_cluster
from analysis.site.engine import Start
from analysis.site.helper import Recipe
from analysis.site.pages import PageJob, Result
from analysis.site.pool import OnStart, choose_start, run_tasks
from analysis.site.rehearsal import rehearse
from analysis.study import Study

Run = Callable[[Sequence[PageJob], OnStart], Generator[Result, None, None]]


def run_here(
    study: Study, jobs: int, start: Start | None, tasks: Sequence[PageJob], on_start: OnStart
) -> Generator[Result, None, None]:
    """Make pages in worker processes of this machine."""
    if tasks and tasks[0].start == "fork":
        rehearse(study, tasks)
        # What the notebooks import may have started a thread.
        tasks = [replace(task, start=start or choose_start()) for task in tasks]
    yield from run_tasks(tasks, jobs, on_start)


def run_there(
    run_here: Run, address: str, recipe: Recipe, tasks: Sequence[PageJob], on_start: OnStart
) -> Generator[Result, None, None]:
    """Make the units' pages on a cluster; the year's reads what lies beside the site, which is here."""
    units = [task for task in tasks if "unit_id" in task.parameters]
    yield from run_here([task for task in tasks if task not in units], on_start)
    yield from run_on_cluster(units, address, recipe, on_start)

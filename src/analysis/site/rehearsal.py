"""What a warm process does once so that its forks need not: imports, caches, fonts, templates."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from contextlib import suppress

from analysis.loading import keep_warm
from analysis.reports import unit
from analysis.site.export import warm_up
from analysis.site.notebooks import import_ahead
from analysis.site.pages import PageJob
from analysis.site.templates import Template
from analysis.study import Study


def rehearse(study: Study, tasks: Sequence[PageJob]) -> None:
    """Get this process ready to be forked for some pages.

    The package's own sections are written once, never a notebook's code: whatever an analyst's
    cells change must not reach another page. Half of a cold page's time is saved that way.

    Parameters
    ----------
    study : Study
        What the notebooks will load.
    tasks : sequence of PageJob
        The pages.
    """
    rehearse_notebooks(study, {task.notebook for task in tasks}, tasks[0].template)
    unit_ids = [task.parameters["unit_id"] for task in tasks if "unit_id" in task.parameters]
    # One page of a kind draws as much as the rehearsal would.
    if len(unit_ids) > 2:
        for unit_id in unit_ids[:2]:
            with suppress(Exception):  # a page's own cell will say what is wrong
                _write_sections(unit(study, unit_id, study.params.year))


def rehearse_notebooks(study: Study, texts: Iterable[str], template: Template) -> None:
    """Keep the study, import what the notebooks import and compile the template."""
    keep_warm(study)
    for text in texts:
        import_ahead(text)
    warm_up(template)


def _write_sections(report: object) -> None:
    for name, section in inspect.getmembers(report, inspect.ismethod):
        if not name.startswith("_") and not inspect.signature(section).parameters:
            with suppress(Exception):
                section()

"""Trade-union plans and their indicators: tables in, figures and narratives out.

The public face: `load` a dataset and a plan, compute `indicators`, open the narrative of a `unit`,
an `area` or a `year`, and `compare` two years.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.exploring import plot
    from analysis.exploring.answers import compare, indicators
    from analysis.loading import load
    from analysis.problems import InputError
    from analysis.reports import area, unit, year
    from analysis.study import Study

__all__ = ["InputError", "Study", "area", "compare", "indicators", "load", "plot", "unit", "year"]

_HOMES = {
    "InputError": "analysis.problems",
    "Study": "analysis.study",
    "area": "analysis.reports",
    "compare": "analysis.exploring.answers",
    "indicators": "analysis.exploring.answers",
    "load": "analysis.loading",
    "plot": "analysis.exploring.plot",
    "unit": "analysis.reports",
    "year": "analysis.reports",
}


def __getattr__(name: str) -> Any:
    """Import what is offered when it is first asked for: a rerun that has nothing to do is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(_HOMES[name])
    value = globals()[name] = getattr(home, name, home)  # `plot` is its module
    return value


def __dir__() -> list[str]:
    """Return what is offered, so that completion has it before first use, and nothing else."""
    return [*__all__, "__doc__", "__file__", "__name__", "__path__"]

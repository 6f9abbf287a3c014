"""Trade-union plans and their indicators: tables in, figures and narratives out.

The public face: `load` a dataset and a plan, compute `indicators`, open the narrative of a `unit`,
an `area` or a `year`, and `compare` two years.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.compare import compare
    from analysis.exploring import plot
    from analysis.loading import load
    from analysis.problems import InputError
    from analysis.reports import area, unit, year
    from analysis.study import Study, indicators

__all__ = ["InputError", "Study", "area", "compare", "indicators", "load", "plot", "unit", "year"]

_HOMES = {
    "InputError": "analysis.problems",
    "Study": "analysis.study",
    "area": "analysis.reports",
    "compare": "analysis.compare",
    "indicators": "analysis.study",
    "load": "analysis.loading",
    "plot": "analysis.exploring.plot",
    "unit": "analysis.reports",
    "year": "analysis.reports",
}


class _Face(ModuleType):
    """The module itself: it imports what it offers when that is first asked for.

    A report in which nothing changed needs neither pandas nor matplotlib: 2 of its 3 seconds.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        home = import_module(_HOMES[name])
        value = getattr(home, name, home)  # `plot` is its module
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        """Return what it offers, so that completion has it before first use, and nothing else."""
        return [*__all__, "__doc__", "__file__", "__name__", "__path__"]

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing the modules `analysis.compare` and `analysis.indicators` would hide the
        # functions of these names.
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face

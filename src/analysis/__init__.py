"""Trade-union plans and their indicators: tables in, figures and narratives out.

The public face: `load` a dataset and a plan, compute `indicators`, open the narrative of a `unit`
or a `year`, and `compare` two years.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.compare import compare
    from analysis.loading import load
    from analysis.problems import InputError
    from analysis.reports import unit, year
    from analysis.study import Study, indicators

__all__ = ["InputError", "Study", "compare", "indicators", "load", "unit", "year"]

_HOMES = {
    "InputError": "analysis.problems",
    "Study": "analysis.study",
    "compare": "analysis.compare",
    "indicators": "analysis.study",
    "load": "analysis.loading",
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
        value = getattr(import_module(_HOMES[name]), name)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing the modules `analysis.compare` and `analysis.indicators` would hide the
        # functions of these names.
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face

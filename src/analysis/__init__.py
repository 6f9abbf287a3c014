"""Trade-union plans and their indicators: tables in, figures and narratives out.

The public face: `load` a dataset and a plan, compute `indicators`, open the narrative of a `unit`
or a `year`, and `compare` two years.
"""

from analysis.compare import compare
from analysis.loading import load
from analysis.problems import InputError
from analysis.reports import unit, year
from analysis.study import Study, indicators

__all__ = ["InputError", "Study", "compare", "indicators", "load", "unit", "year"]

"""The narratives: one call a section, for a notebook that reads like a table of contents."""

from analysis.reports.area import AreaReport, area
from analysis.reports.unit import UnitReport, unit
from analysis.reports.year import YearReport, year

__all__ = ["AreaReport", "UnitReport", "YearReport", "area", "unit", "year"]

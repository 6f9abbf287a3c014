"""The engine: from a dataset and a plan to the indicator table, exactly and for all units at once.

Data flows one way: `members` (who is asked, and what each one reported) → `states` (reported, not
applicable or missing, by facts in three-valued logic; their sums) → `rollups` (one indicator in one
year, by scope: bounds, verdict, slack) → `trajectory` (stage targets) → `table`.
"""

from analysis.results.rollups import SCOPES
from analysis.results.table import OPEN_COLUMNS, compute_indicators, write_table

__all__ = ["OPEN_COLUMNS", "SCOPES", "compute_indicators", "write_table"]

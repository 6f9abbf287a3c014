"""The engine: from a dataset and a plan to the indicator table, exactly and for all units at once.

Data flows one way: `members` (who is asked, and what each one reported) → `conditions` (facts in
three-valued logic) → `states` (reported, not applicable or missing) → `pooling` (sums per scope) →
`verdicts` (bounds, verdict, slack) → `trajectory` (stage targets) → `table` (the table itself).
"""

from analysis.indicators.assembly import OPEN_COLUMNS
from analysis.indicators.rollups import SCOPES
from analysis.indicators.table import compute_indicators
from analysis.indicators.writing import write_table

__all__ = ["OPEN_COLUMNS", "SCOPES", "compute_indicators", "write_table"]

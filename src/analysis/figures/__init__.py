"""The figures: matplotlib drawings with one message each, as inline SVG."""

from analysis.figures.charts import gaps, path, peers, rates, trends
from analysis.figures.style import PALETTE
from analysis.figures.svg import to_svg
from analysis.figures.taskbars import TaskBar, count_groups, tasks_chart

__all__ = [
    "PALETTE",
    "TaskBar",
    "count_groups",
    "gaps",
    "path",
    "peers",
    "rates",
    "tasks_chart",
    "to_svg",
    "trends",
]

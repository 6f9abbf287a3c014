"""The figures: matplotlib drawings with one message each, as inline SVG."""

from analysis.figures.charts import TaskBar, path, peers, rates, tasks_chart, trends
from analysis.figures.style import PALETTE, to_svg

__all__ = [
    "PALETTE",
    "TaskBar",
    "path",
    "peers",
    "rates",
    "tasks_chart",
    "to_svg",
    "trends",
]

"""The figures: matplotlib drawings with one message each, as inline SVG."""

from analysis.figures.charts import path, peers, rates, trends
from analysis.figures.style import PALETTE
from analysis.figures.svg import to_svg
from analysis.figures.taskbars import TaskBar, tasks_chart

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

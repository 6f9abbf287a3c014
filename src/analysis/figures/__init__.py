"""The figures: matplotlib drawings with one message each, as inline SVG."""

from analysis.figures.charts import (
    GapBar,
    PeerMark,
    Shown,
    Trend,
    gap_chart,
    path_chart,
    peers_chart,
    targets_chart,
    trend_chart,
)
from analysis.figures.style import PALETTE
from analysis.figures.svg import to_svg
from analysis.figures.taskbars import TaskBar, count_groups, tasks_chart

__all__ = [
    "PALETTE",
    "GapBar",
    "PeerMark",
    "Shown",
    "TaskBar",
    "Trend",
    "count_groups",
    "gap_chart",
    "path_chart",
    "peers_chart",
    "targets_chart",
    "tasks_chart",
    "to_svg",
    "trend_chart",
]

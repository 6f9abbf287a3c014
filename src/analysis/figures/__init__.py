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

__all__ = [
    "PALETTE",
    "GapBar",
    "PeerMark",
    "Shown",
    "Trend",
    "gap_chart",
    "path_chart",
    "peers_chart",
    "targets_chart",
    "to_svg",
    "trend_chart",
]

"""How far the plan's sections are with their tasks: one stacked bar a section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from analysis.figures.style import SMALL, TEXT, WIDTH, add_axes, colour, new_figure
from analysis.language import Language

#: The colour and the pattern of each part of a bar, from the left.
_LOOKS = {
    "done": ("met", ""),
    "open": ("band", ""),
    "late": ("not_met", "////"),
    "silent": ("tint", ".."),
}
_ROW = 38.0
# A narrower part has its count in the line above the bar alone.
_FEWEST_POINTS = 20


@dataclass(frozen=True)
class TaskBar:
    """One section: its title, its counts in words, and how many tasks are in each group."""

    label: str
    text: str
    counts: Mapping[str, int]


def tasks_chart(bars: Sequence[TaskBar], language: Language) -> Figure:
    """Draw each section's tasks by state, every bar as long as the other: shares, with counts."""
    figure = new_figure(_ROW * len(bars))
    axes = add_axes(figure, 2, 0, WIDTH - 4, _ROW * len(bars))
    axes.set_xlim(0, 1)
    axes.set_ylim(-len(bars) + 0.35, 0.75)
    axes.set_xticks([])
    axes.set_yticks([])
    for row, bar in enumerate(bars):
        axes.text(0, 0.42 - row, bar.label, fontsize=TEXT, va="center", color=colour("ink"))
        if late := bar.counts["late"]:
            axes.text(
                1, 0.42 - row, f"✖ {language.numbers.count(late)}", fontsize=TEXT, ha="right",
                va="center", fontweight="bold", color=colour("not_met"),
            )  # fmt: skip
        whole, left = sum(bar.counts.values()), 0.0
        for name, (role, pattern) in _LOOKS.items():
            share = bar.counts[name] / whole if whole else 0
            if not share:
                continue
            axes.barh(
                -row, share, left=left, height=0.42, color=colour(role), hatch=pattern,
                edgecolor=colour("paper" if role in ("met", "not_met") else "muted"), linewidth=0.4,
            )  # fmt: skip
            if share * WIDTH >= _FEWEST_POINTS:
                axes.text(
                    left + share / 2, -row, language.numbers.count(bar.counts[name]),
                    ha="center", va="center", fontsize=SMALL, fontweight="bold",
                    color=colour("paper" if role in ("met", "not_met") else "ink"),
                    bbox={"facecolor": colour(role), "edgecolor": "none", "pad": 1},
                )  # fmt: skip
            left += share
    return figure

"""The visual language of all pages and figures, defined once: colours, marks, sizes, margins."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Colour by role: on a light page, on a dark page. Blue and orange stay apart for every kind of
#: colour blindness, and each passes 4.5:1 as text on its page.
PALETTE = {
    "paper": ("#ffffff", "#14171b"),
    "tint": ("#f3f5f8", "#1e2329"),
    "ink": ("#1a1c1f", "#e9ebee"),
    "muted": ("#555b63", "#aab1ba"),
    "line": ("#c8cdd5", "#464d57"),
    "band": ("#d5dbe3", "#3a434f"),
    "link": ("#004f9e", "#8cc4ff"),
    "met": ("#00589c", "#79bcf5"),
    "not_met": ("#a83f00", "#ffa267"),
    "undetermined": ("#5d5868", "#c3bccf"),
    "no_target": ("#3f464e", "#bcc3cb"),
    "notice": ("#fff4d6", "#3a3110"),
}


@dataclass(frozen=True)
class Mark:
    """How a verdict is drawn: a colour of the palette, a shape, filled or hollow."""

    colour: str
    shape: str
    filled: bool = True


#: Status by shape as well as by colour.
MARKS = {
    "met": Mark("met", "o"),
    "not_met": Mark("not_met", "X"),
    "undetermined": Mark("undetermined", "D", filled=False),
    "not_due": Mark("no_target", "s", filled=False),
    "no_target": Mark("no_target", "s", filled=False),
}

#: Points. A phone shows a figure at about its own width, so text keeps its size there.
WIDTH = 300.0
TEXT = 10.0
SMALL = 9.0

# What the user's own settings file says is for the user's own figures.
mpl.rcdefaults()
mpl.rcParams.update(
    {
        "svg.fonttype": "none",
        "text.parse_math": False,  # a "$" in a name is a dollar sign
        "font.family": "DejaVu Sans",
        "font.size": TEXT,
        "axes.linewidth": 0.6,
        "figure.dpi": 72,
        "axes.unicode_minus": True,
    }
)


def colour(role: str) -> str:
    """Return the light page's colour; `svg.to_svg` turns it into the page's own."""
    return PALETTE[role][0]


def new_figure(height: float) -> Figure:
    """Return an empty figure of the common width; ``height`` in points."""
    figure = Figure(figsize=(WIDTH / 72, height / 72))
    figure.patch.set_alpha(0)
    return figure


def add_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add bare axes at a place given in points from the lower left: margins never move."""
    total = figure.get_figheight() * 72
    axes = figure.add_axes((left / WIDTH, bottom / total, width / WIDTH, height / total))
    axes.patch.set_alpha(0)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, colors=colour("muted"), labelsize=SMALL)
    return axes

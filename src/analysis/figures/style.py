"""The visual language of all pages and figures, defined once: colours, marks, sizes, margins."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

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
#: The width of a small multiple: two of them fit on a phone.
PANEL = 150.0
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


class Drawing(Figure):
    """A figure of the house: drawn on the page as it is, and in JupyterLab as on the page."""

    def _repr_html_(self) -> str:
        from analysis.figures.svg import to_svg

        alt = str(self.get_label())
        svg = to_svg(self, alt, f"d{crc32(alt.encode())}")
        return f'<div style="max-width:{self.get_figwidth():.2f}in">{svg}</div>'


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure; its size in points."""
    figure = Drawing(figsize=(width / 72, height / 72))
    figure.patch.set_alpha(0)
    return figure


def add_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add bare axes at a place given in points from the lower left: margins never move."""
    across, total = figure.get_figwidth() * 72, figure.get_figheight() * 72
    axes = figure.add_axes((left / across, bottom / total, width / across, height / total))
    axes.patch.set_alpha(0)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, colors=colour("muted"), labelsize=SMALL)
    return axes

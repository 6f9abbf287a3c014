"""The visual language of all figures, defined once: marks, sizes, margins."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from html import escape
from zlib import crc32

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import PALETTE


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
_UNUSED_ID = re.compile(r' id="([^"]+)"')
_REFERENCE = re.compile(r'(?:url\(#|href="#)([^)"]+)')
_FONT = re.compile(r"font: ([^;\"]*?)'DejaVu Sans'[^;\"]*")

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
    """Return the light page's colour; `to_svg` turns it into the page's own."""
    return PALETTE[role][0]


class Drawing(Figure):
    """A figure of the house: drawn on the page as it is, and in JupyterLab as on the page."""

    def _repr_html_(self) -> str:
        alt = str(self.get_label())
        svg = to_svg(self, alt, f"d{crc32(alt.encode())}")
        return f'<div style="max-width:{self.get_figwidth():.2f}in">{svg}</div>'


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure; its size in points, 72 to an inch."""
    figure = Drawing(figsize=(width / 72, height / 72))
    figure.patch.set_alpha(0)
    return figure


def add_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add bare axes at a place given in points from the lower left: margins never move."""
    across, total = figure.get_figwidth() * 72, figure.get_figheight() * 72
    axes = figure.add_axes((left / across, bottom / total, width / across, height / total))
    axes.patch.set_alpha(0)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=colour("muted"), labelsize=SMALL)
    return axes


def to_svg(figure: Figure, alt: str, name: str) -> str:
    """Draw a figure as ``<svg role="img" …>`` without outside references, script or fixed size.

    ``alt`` is read out instead of the drawing. ``name`` is unique on its page: it keeps the figures'
    inner ids apart, and the bytes the same each time.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    used = set(_REFERENCE.findall(text))
    text = _UNUSED_ID.sub(lambda m: m.group(0) if m.group(1) in used else "", text)
    text = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    for role, (light, _) in PALETTE.items():
        text = text.replace(light, f"var(--{role}, {light})")
    # The page's own font is narrower than DejaVu, with which the places were computed.
    text = _FONT.sub(r"font: \1var(--font, sans-serif)", text)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    assert size is not None
    opening = (
        f'<svg role="img" aria-label="{escape(alt)}" viewBox="0 0 {size[1]} {size[2]}" class="fig">'
    )
    # A function: a name in the text may hold a backslash.
    body = re.sub(r"^<svg[^>]*>", lambda _: opening, text.replace("xlink:href", "href"))
    return re.sub(r"\n\s*", "\n", body).strip()

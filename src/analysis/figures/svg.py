"""From a matplotlib figure to an inline SVG that follows the page's colours and fonts."""

from __future__ import annotations

import io
import re
from html import escape

import matplotlib as mpl
from matplotlib.figure import Figure

from analysis.figures.style import PALETTE

_UNUSED_ID = re.compile(r' id="([^"]+)"')
_REFERENCE = re.compile(r'(?:url\(#|href="#)([^)"]+)')
_FONT = re.compile(r"font: ([^;\"]*?)'DejaVu Sans'[^;\"]*")


def to_svg(figure: Figure, alt: str, name: str) -> str:
    """Draw a figure as a piece of HTML.

    Parameters
    ----------
    figure : Figure
        Drawn with the palette's light colours.
    alt : str
        What it shows, in a sentence; read out instead of the drawing.
    name : str
        Unique on its page: keeps the figures' inner ids apart, and the bytes the same each time.

    Returns
    -------
    str
        ``<svg role="img" …>`` without outside references, script or fixed size.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
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

"""The project's own nbconvert template, and the one style sheet of all pages."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from analysis.figures import PALETTE

#: A folder, as every nbconvert template is.
TEMPLATE = Path(__file__).parent / "templates" / "congdoan"

#: Nothing is loaded from anywhere and nothing runs: a page is safe to open and to pass on.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


@cache
def page_css() -> str:
    """Return the style sheet with the palette's colours, light and dark."""
    light, dark = (
        "".join(f"--{role}:{shades[i]};" for role, shades in PALETTE.items()) for i in (0, 1)
    )
    rules = (TEMPLATE / "style.css").read_text("utf-8")
    rules = re.sub(r"/\*.*?\*/|\n\s*", "", rules)  # every page carries it
    schemes = f":root{{color-scheme:light dark;{light}}}"
    schemes += f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return schemes + f"@media print{{:root{{color-scheme:light;{light}}}}}" + rules

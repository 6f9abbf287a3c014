"""Take the pictures of the README from a made site: `python tools/pictures.py reports/2024`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from browser import open_browser

PICTURES = Path("docs/pictures")
#: Page, width and height of the window, file.
SHOTS = (
    ("cdcs/DN-DABAN.html", 1000, 1150, "cdcs.png"),
    ("year.html", 1000, 1150, "nam.png"),
    ("index.html", 1000, 760, "tra-cuu.png"),
    ("cdcs/DN-DABAN.html", 360, 780, "dien-thoai.png"),
)


def main(site: Path) -> None:
    """Save each picture."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with open_browser() as browser:
        for page, width, height, name in SHOTS:
            view = browser.new_page(viewport={"width": width, "height": height})
            view.goto((site.resolve() / page).as_uri())
            view.screenshot(path=PICTURES / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Find a Chromium-like browser for the page tests, which drive it through playwright.

`python tests/browser.py` prints its path, or says why there is none and exits with 1.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

OVERRIDE = "CONGDOAN_BROWSER"
PATH_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
    "chrome",
)
WINDOWS_ROOTS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
WINDOWS_PLACES = (
    "Google/Chrome/Application/chrome.exe",
    "Chromium/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)
MACOS_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)


class NoBrowserError(RuntimeError):
    """There is no browser to test pages with."""


def usual_places(system: str, environ: Mapping[str, str]) -> list[Path]:
    """Return where browsers usually stand on Windows ("win32") and macOS ("darwin")."""
    if system == "win32":
        roots = [environ[name] for name in WINDOWS_ROOTS if environ.get(name)]
        return [Path(root, place) for root in roots for place in WINDOWS_PLACES]
    if system == "darwin":
        return [Path(place) for place in MACOS_PLACES]
    return []


def playwright_browser() -> Path:
    """Return where playwright's own browser stands, if it was ever installed."""
    # Slow to import, and only asked when nothing else was found.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)


def candidates() -> Iterator[Path]:
    """Yield every path that may be a browser, the likeliest first."""
    yield from (Path(found) for name in PATH_NAMES if (found := shutil.which(name)))
    yield from usual_places(sys.platform, os.environ)
    yield playwright_browser()


def is_usable(path: Path) -> bool:
    """Tell whether the path is a browser that starts."""
    if not path.is_file():
        return False
    if sys.platform != "linux":
        return True  # Chrome on Windows opens a window when asked for its version
    # Ubuntu's chromium-browser may be a stub that only asks for a snap.
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@cache
def find_browser() -> str:
    """Return the path of a browser, for playwright's `executable_path`.

    Raises
    ------
    NoBrowserError
        Where there is none, or CONGDOAN_BROWSER names none: page tests fail, they never skip.
    """
    override = os.environ.get(OVERRIDE)
    if override:
        if not is_usable(Path(override)):
            raise NoBrowserError(f"{OVERRIDE}={override} is no browser that starts")
        return override
    for path in candidates():
        if is_usable(path):
            return str(path)
    raise NoBrowserError(f"no Chromium, Chrome or Edge found; set {OVERRIDE} to its path")


@contextmanager
def open_browser() -> Iterator["Browser"]:
    """Start a browser; never skipped: without one nobody has seen a page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=find_browser(),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield started
        started.close()


if __name__ == "__main__":
    try:
        print(find_browser())
    except NoBrowserError as error:
        sys.exit(str(error))

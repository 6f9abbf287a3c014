"""What pages are made from, as hashes: two pages with equal inputs would be the same page.

Names are stable: they are what tells a user why a page is stale. Nothing here reads a table.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from analysis.params import PARAMS_FOLDER, Params
from analysis.site.ledger import hash_file, hash_text
from analysis.site.templates import Template, hash_files, hash_template
from analysis.tables.dictionary import OWN_COLUMNS
from analysis.tables.files import DESCRIPTION

#: Libraries whose version shows in a page.
LIBRARIES = (
    *("pandas", "numpy", "matplotlib", "papermill", "nbclient", "nbconvert"),
    *("ipykernel", "ipython", "jinja2", "babel"),
)
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")
# Inputs are told apart, not trusted: 64 bits do, and a country's ledger stays readable.
_DIGITS = 16


def package_version() -> str:
    """Return this package's version, or ``0`` where it is not installed."""
    try:
        return version("congdoan")
    except PackageNotFoundError:
        return "0"


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of what draws and writes the pages."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def shared_inputs(params: Params, root: Path, template: Template) -> dict[str, str]:
    """Return the hashes that all pages of a run have in common."""
    package = Path(__file__).parents[1]
    described = [root / params.data / name for name in (DESCRIPTION, OWN_COLUMNS)]
    return {
        "code": hash_files(package, without=Path(template.folder) / template.name)[:_DIGITS],
        "description": hash_value([hash_file(path) for path in described if path.is_file()]),
        "language": hash_files(root / PARAMS_FOLDER / "lang" / params.lang)[:_DIGITS],
        "libraries": hash_value(library_versions()),
        "plan": hash_file(root / params.plan)[:_DIGITS],
        "template": hash_template(template)[:_DIGITS],
    }


def notebook_inputs(text: str, names: Collection[str], params: Params) -> dict[str, str]:
    """Return the hashes of a notebook and of the settings that it names."""
    settings = {
        name: value
        for name, value in params.model_dump().items()
        # Which years' sites lie beside this one changes a unit's page only where it links them.
        if name in names and name != "years_beside"
    }
    return {"notebook": hash_text(text)[:_DIGITS], "settings": hash_value(settings)}


def hash_pictures(folder: Path) -> str:
    """Return a hash of the pictures in the notebooks' folder: a remark may show any of them."""
    shown = sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES)
    return hash_value([(path.name, hash_file(path)) for path in shown])


def hash_value(value: Any) -> str:
    """Return a short hash of what JSON can say."""
    return hash_text(json.dumps(value, sort_keys=True, default=str))[:_DIGITS]

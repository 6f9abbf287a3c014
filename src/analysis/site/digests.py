"""What pages are made from, as hashes: two pages with equal ones would be the same page.

Names are stable: they tell a user why a page is stale. Nothing here reads a table.
"""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from analysis.pages.template import TEMPLATE
from analysis.params import PARAMS_FOLDER, Params
from analysis.site.layout import NOTEBOOKS
from analysis.tables.dictionary import OWN_COLUMNS
from analysis.tables.files import DESCRIPTION, digest_folder

#: Libraries whose version shows in a page.
LIBRARIES = (
    *("pandas", "numpy", "matplotlib", "papermill", "nbclient", "nbconvert"),
    *("ipykernel", "ipython", "jinja2", "babel"),
)
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")


def hash_text(content: str | bytes) -> str:
    """Return the SHA-256 of a text or of bytes."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()


def hash_value(value: Any) -> str:
    """Return a short hash of what JSON can say.

    Inputs are told apart, not trusted: 64 bits do, and a country's ledger stays readable.
    """
    return hash_text(json.dumps(value, sort_keys=True, default=str))[:16]


def hash_paths(*paths: Path, without: Path | None = None) -> str:
    """Return a short hash of files and of all files in folders, by names and bytes.

    What is not there counts as nothing, and so do caches and the folder ``without``.
    """
    found: list[tuple[str, str]] = []
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            is_left_out = "__pycache__" in file.parts or without in file.parents
            if file.is_file() and not is_left_out:
                name = file.relative_to(path if path.is_dir() else path.parent).as_posix()
                found.append((name, hash_text(file.read_bytes())))
    return hash_value(found)


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of what draws and writes the pages."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def shared_inputs(
    params: Params, root: Path, notebooks: Path | None = None, template: Path = TEMPLATE
) -> dict[str, str]:
    """Return the hashes that all pages of a run have in common."""
    folder = notebooks or root / "notebooks"
    pictures = [path for path in folder.iterdir() if path.suffix.lower() in _PICTURES]
    described = (root / params.data / name for name in (DESCRIPTION, OWN_COLUMNS))
    return {
        "code": hash_paths(Path(__file__).parents[1], without=template),
        "description": hash_paths(*described),
        "language": hash_paths(root / PARAMS_FOLDER / "lang" / params.lang),
        "libraries": hash_value(library_versions()),
        "pictures": hash_paths(*sorted(pictures)),  # a remark may show any of them
        "plan": hash_paths(root / params.plan),
        "template": hash_paths(template),
    }


def fingerprint(
    params: Params, root: Path, notebooks: Path | None = None, template: Path = TEMPLATE
) -> str:
    """Return a hash of everything that a run reads: settings, tables, plan, words, code, notebooks.

    Parameters
    ----------
    params : Params
        The settings as given, before they are placed in a folder.
    root : Path
        The project's folder.
    notebooks : Path, optional
        The notebooks' folder; the project's by default.
    template : Path
        The nbconvert template's folder.

    Returns
    -------
    str
        Empty where something cannot be read: then it equals nothing.
    """
    folder = notebooks or root / "notebooks"
    try:
        shared = shared_inputs(params, root, folder, template)
        texts = [(folder / name).read_text("utf-8") for name in NOTEBOOKS]
        return hash_value([params.model_dump(), shared, digest_folder(root / params.data), texts])
    except (OSError, ValueError):
        return ""

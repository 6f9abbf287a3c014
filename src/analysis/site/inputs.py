"""What a page is made from, as hashes: two pages with equal inputs would be the same page.

Names are stable: they are what tells a user why a page is stale.
"""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.params import PARAMS_FOLDER
from analysis.site.export import Template, hash_files, hash_template
from analysis.site.ledger import hash_file, hash_text
from analysis.site.notebooks import Source
from analysis.study import Study

#: Libraries whose version shows in a page.
LIBRARIES = (
    *("pandas", "numpy", "matplotlib", "papermill", "nbclient", "nbconvert"),
    *("ipykernel", "ipython", "jinja2", "babel"),
)
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


def shared_inputs(study: Study, template: Template) -> dict[str, str]:
    """Return the hashes that all pages of a run have in common.

    ``data`` is the whole dataset: whatever a page may show of peers and the district is in it.
    """
    package = Path(__file__).parents[1]
    description = study.dataset.description.model_dump_json()
    texts = study.root / PARAMS_FOLDER / "lang" / study.params.lang
    return {
        "code": hash_files(package, without=Path(template.folder) / template.name)[:_DIGITS],
        "data": _hash(study.dataset.digest + description),
        "language": hash_files(texts)[:_DIGITS],
        "libraries": _hash(library_versions()),
        "plan": hash_file(study.root / study.params.plan)[:_DIGITS],
        "template": hash_template(template)[:_DIGITS],
    }


def notebook_inputs(source: Source, study: Study) -> dict[str, str]:
    """Return the hashes of a notebook and of the settings that it names."""
    settings = {
        name: value for name, value in study.params.model_dump().items() if name in source.names
    }
    return {"notebook": source.digest[:_DIGITS], "settings": _hash(settings)}


def hash_figures(study: Study) -> dict[str, str]:
    """Return the hash of each unit's own rows of the indicator table, all years, by id."""
    table = study.table[study.table["scope"] == "unit"]
    rows = pd.util.hash_pandas_object(table, index=False).to_numpy()
    codes = table["scope_id"].cat.codes.to_numpy()
    order = np.argsort(codes, kind="stable")
    present, starts = np.unique(codes[order], return_index=True)
    groups = np.split(rows[order], starts[1:])
    names = table["scope_id"].cat.categories
    return {
        str(names[code]): _hash(group.tobytes().hex())
        for code, group in zip(present, groups, strict=True)
    }


def hash_table(study: Study) -> str:
    """Return the hash of the whole indicator table."""
    return _hash(pd.util.hash_pandas_object(study.table, index=False).to_numpy().tobytes().hex())


def _hash(value: Any) -> str:
    return hash_text(json.dumps(value, sort_keys=True, default=str))[:_DIGITS]

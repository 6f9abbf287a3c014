"""What a page is made from, as hashes: two pages with equal inputs would be the same page.

Names are stable: they are what tells a user why a page is stale.
"""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from analysis.params import PARAMS_FOLDER
from analysis.reports import unit
from analysis.site.export import Template, hash_files, hash_template
from analysis.site.ledger import hash_file, hash_text
from analysis.site.notebooks import Source
from analysis.site.reads import is_plain
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
    """Return the hashes that all pages of a run have in common."""
    package = Path(__file__).parents[1]
    texts = study.root / PARAMS_FOLDER / "lang" / study.params.lang
    return {
        "code": hash_files(package, without=Path(template.folder) / template.name)[:_DIGITS],
        "description": _hash(study.dataset.description.model_dump_json()),
        "language": hash_files(texts)[:_DIGITS],
        "libraries": _hash(library_versions()),
        "plan": hash_file(study.root / study.params.plan)[:_DIGITS],
        "template": hash_template(template)[:_DIGITS],
    }


def notebook_inputs(source: Source, study: Study) -> dict[str, str]:
    """Return the hashes of a notebook and of the settings that it names."""
    settings = {
        name: value
        for name, value in study.params.model_dump().items()
        # Which years' sites lie beside this one changes a unit's page only where it links them.
        if name in source.names and name != "years_beside"
    }
    return {"notebook": source.digest[:_DIGITS], "settings": _hash(settings)}


def year_inputs(study: Study) -> dict[str, str]:
    """Return the hashes of what the year's page is made from: it may show anything."""
    return {"data": _digest(study), "years_beside": _hash(study.params.years_beside)}


def unit_inputs(source: Source, study: Study, unit_id: str) -> dict[str, str]:
    """Return the hashes of what one unit's page is made from.

    A notebook that calls the narrative and nothing else shows just what the narrative shows; one
    with code of an analyst's own may look at anything.
    """
    anything = {} if is_plain(source.text) else year_inputs(study)
    return anything | unit(study, unit_id, study.params.year).digests()


def _digest(study: Study) -> str:
    return study.dataset.digest[:_DIGITS]


def _hash(value: Any) -> str:
    return hash_text(json.dumps(value, sort_keys=True, default=str))[:_DIGITS]

"""``ledger.json``: every expected unit of the year exactly once, with what came of its page.

What a page was made from stands there by name as a hash, and once for all pages what each hash was
made of (``details``): two pages with equal hashes would be the same page, and where they differ a user
is told what has changed. Nothing here reads a table.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from analysis.pages.template import TEMPLATE
from analysis.params import PARAMS_FOLDER, Params
from analysis.site.layout import (
    BRIEFS,
    INDEX,
    INDICATORS,
    LEDGER,
    MESSAGES,
    NOTEBOOKS,
    UNITS,
    YEAR_PAGE,
    Layout,
    brief_page,
    message_file,
    unit_page,
    word_file,
)
from analysis.tables.dictionary import OWN_COLUMNS, dictionary
from analysis.tables.files import DESCRIPTION, digest_folder, regular, write_atomically

if TYPE_CHECKING:
    from analysis.site.planning import Page

Outcome = Literal["published", "no_return", "failed", "not_run"]
#: Version 0.4.0 wrote 2: failures were told otherwise.
FORMAT, _READABLE = 3, (2, 3)
#: What a hash was made of: the parts' names, each with its value or a hash of its own.
Parts = dict[str, str]
#: Libraries whose version shows in a page.
LIBRARIES = (
    *("pandas", "numpy", "matplotlib", "papermill", "nbclient", "nbconvert"),
    *("ipykernel", "ipython", "jinja2", "babel"),
)
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")
_AREA = r"area/[a-z]+-[A-Za-z0-9._-]{1,80}\.html"


@dataclass(frozen=True)
class Failure:
    """Why a page is not good.

    Attributes
    ----------
    cell : int or None
        The cell, as JupyterLab counts the executed notebook's code cells (``In [3]`` is 3); None
        if it is not about one cell.
    error : str
        The error's name and message.
    line : str
        The first line of the cell.
    """

    cell: int | None
    error: str
    line: str = ""

    def __str__(self) -> str:
        """Return one Vietnamese line for a person."""
        if self.cell is None:
            return self.error
        return f"ô {self.cell} «{self.line}»: {self.error}"


class PageRecord(BaseModel):
    """What came of one page.

    Attributes
    ----------
    outcome : {"published", "no_return", "failed", "not_run"}
        ``no_return``: published, and it says that the unit has not reported. ``failed``: it was
        asked for and could not be made. ``not_run``: never asked for.
    page : str or None
        The link to the page that is there; for ``failed`` the last good one.
    sha256, made_at : str or None
        The hash of that page, and when it was made.
    inputs : dict of str to str
        The hashes of what that page was made from, by name.
    stale : bool
        Whether that page was made from something else than what there is now.
    failure : Failure or None
        Why the last attempt failed.
    """

    model_config = ConfigDict(frozen=True)

    outcome: Outcome = "not_run"
    page: str | None = None
    sha256: str | None = None
    made_at: str | None = None
    inputs: dict[str, str] = {}
    stale: bool = False
    failure: Failure | None = None

    @property
    def is_published(self) -> bool:
        """Whether a page is there, and its last attempt did not fail."""
        return self.outcome in ("published", "no_return")

    @property
    def is_good(self) -> bool:
        """Whether nothing needs to be made: a page is there, made from what there is now."""
        return self.is_published and not self.stale

    def is_there(self, layout: Layout) -> bool:
        """Tell whether the page is in the folder, byte for byte as it was made."""
        try:
            return self.page is not None and self.sha256 == hash_text(
                layout.file(self.page).read_bytes()
            )
        except OSError:
            return False

    def keep(self, inputs: dict[str, str], layout: Layout) -> PageRecord:
        """Return what still holds of it: the page is as it was made, and equal inputs make it good."""
        if not self.is_there(layout):
            outcome: Outcome = "not_run" if self.failure is None else "failed"
            return PageRecord(outcome=outcome, failure=self.failure)
        is_stale = self.outcome == "failed" or self.inputs != inputs
        return self.model_copy(update={"stale": is_stale})


@dataclass
class Ledger:
    """The account of one year's site.

    Attributes
    ----------
    about : dict
        What the whole site was made from (year, plan, dataset, versions) and when.
    pages : mapping of str to Page
        Every page that the site should have, by link.
    records : dict of str to PageRecord
        What came of each.
    details : mapping of str to dict
        What the records' hashes were made of, as far as that is known.
    """

    about: dict[str, Any]
    pages: Mapping[str, Page]
    records: dict[str, PageRecord]
    details: Mapping[str, Parts] = field(default_factory=dict)

    def as_record(self) -> dict[str, Any]:
        """Return the JSON object."""
        listed: dict[str, list[dict[str, Any]]] = {"unit_id": [], "scope": []}
        for link, page in sorted(self.pages.items()):
            for kind in listed.keys() & page.given.keys():
                named = {"unit_id": page.given[kind]} if kind == "unit_id" else {"link": link}
                told = self.records[link].model_dump()
                listed[kind].append({**named, "name": page.name, **told})
        year_page = self.records[YEAR_PAGE].model_dump()
        units, areas = listed.values()
        used = {given for record in self.records.values() for given in record.inputs.values()}
        details = {key: parts for key, parts in self.details.items() if key in used}
        known = {"year_page": year_page, "units": units, "areas": areas, "details": details}
        return {"format": FORMAT, **self.about, **known}

    def save(self, layout: Layout) -> None:
        """Write it, with sorted keys: the same bytes but for the times."""
        text = json.dumps(self.as_record(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        write_atomically(layout.file(LEDGER), text)


def read_record(layout: Layout) -> dict[str, Any]:
    """Return what a ledger says; nothing where there is none that can be read."""
    try:
        record = json.loads(regular(layout.file(LEDGER)).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def read_pages(record: dict[str, Any]) -> dict[str, PageRecord]:
    """Return what a ledger says of each page, by link; one that was tampered with says nothing.

    Files are compared, kept and removed by what it says: every name in it is checked.
    """
    unit_id = dictionary().tables["roster"].columns["unit_id"].type.pattern
    try:
        known = {YEAR_PAGE: record["year_page"]}
        known |= {unit_page(item["unit_id"]): item for item in record["units"]}
        known |= {item["link"]: item for item in record["areas"]}
        pages = TypeAdapter(dict[str, PageRecord]).validate_python(known)
    except (ValueError, KeyError, TypeError):
        return {}
    links = re.compile(rf"{re.escape(YEAR_PAGE)}|cdcs/(?:{unit_id})\.html|{_AREA}")
    is_sound = record.get("format") in _READABLE and all(
        links.fullmatch(link) and page.page in (None, link) for link, page in pages.items()
    )
    return pages if is_sound else {}


def read_details(record: dict[str, Any]) -> dict[str, Parts]:
    """Return what a ledger's hashes were made of; what does not give its hash is left out."""
    try:
        known = TypeAdapter(dict[str, Parts]).validate_python(record.get("details", {}))
    except ValueError:
        return {}
    return {key: parts for key, parts in known.items() if hash_value(parts) == key}


def hash_beside(layout: Layout, year: int) -> dict[str, str]:
    """Return the hashes of what lies beside the pages: index, tables, sheets, messages, documents."""
    files = [layout.file(link) for link in (INDEX, INDICATORS, UNITS)]
    handouts = (BRIEFS, MESSAGES, brief_page("*"), message_file("*"))
    for pattern in (*handouts, word_file(year), word_file(year, "*")):
        files += layout.site.glob(pattern)
    return {
        path.relative_to(layout.site).as_posix(): hash_text(path.read_bytes())
        for path in files
        if path.is_file()
    }


def read_state(layout: Layout) -> str:
    """Return the hash that the last run left; empty where it left none."""
    try:
        return layout.state.read_text("utf-8")
    except (OSError, ValueError):
        return ""


def left_before(layout: Layout) -> dict[str, str]:
    """Return what the last run left beside the pages, as `hash_beside` told it."""
    known = read_record(layout).get("beside")
    return known if isinstance(known, dict) else {}


def find_state(seen: str, placed: Params, record: dict[str, Any]) -> str:
    """Return a hash of what a run read, of what lay around its folder, and of its account.

    It is never sent: whoever knows most of the exact tables could try what gives it.
    """
    around = {**placed.model_dump(), "previous": Path(placed.previous).name}
    told = {key: value for key, value in record.items() if key != "made_at"}
    return hash_value([seen, around, told]) if seen else ""


def hash_text(content: str | bytes) -> str:
    """Return the SHA-256 of a text or of bytes."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()


def hash_value(value: Any) -> str:
    """Return a short hash of what JSON can say.

    Inputs are told apart, not trusted: 64 bits do, and a country's ledger stays readable.
    """
    return hash_text(json.dumps(value, sort_keys=True, default=str))[:16]


def hash_paths(*paths: Path, without: Path | None = None) -> Parts:
    """Return a short hash of each file, those in folders too, by its name in there.

    What is not there counts as nothing, and so do caches and the folder ``without``.
    """
    found: Parts = {}
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            is_left_out = "__pycache__" in file.parts or without in file.parents
            if file.is_file() and not is_left_out:
                name = file.relative_to(path if path.is_dir() else path.parent).as_posix()
                found[name] = hash_text(file.read_bytes())[:16]
    return found


def library_versions() -> Parts:
    """Return the versions of Python and of what draws and writes the pages."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def shared_inputs(
    params: Params, root: Path, notebooks: Path, template: Path = TEMPLATE
) -> dict[str, Parts]:
    """Return what all pages of a run have in common."""
    pictures = [path for path in notebooks.iterdir() if path.suffix.lower() in _PICTURES]
    described = (root / params.data / name for name in (DESCRIPTION, OWN_COLUMNS))
    return {
        "code": hash_paths(Path(__file__).parents[1], without=template),
        "description": hash_paths(*described),
        "language": hash_paths(root / PARAMS_FOLDER / "lang" / params.lang),
        "libraries": library_versions(),
        "pictures": hash_paths(*sorted(pictures)),  # a remark may show any of them
        "plan": hash_paths(root / params.plan),
        "template": hash_paths(template),
    }


def fingerprint(
    params: Params, root: Path, notebooks: Path | None = None, template: Path = TEMPLATE
) -> str:
    """Return a hash of everything that a run reads: settings, tables, plan, words, code, notebooks.

    The settings count as given, before they are placed in a folder. It is empty where something
    cannot be read: then it equals nothing.
    """
    folder = notebooks or root / "notebooks"
    try:
        shared = shared_inputs(params, root, folder, template)
        texts = [regular(folder / name).read_text("utf-8") for name in NOTEBOOKS]
        return hash_value([params.model_dump(), shared, digest_folder(root / params.data), texts])
    except (OSError, ValueError):
        return ""

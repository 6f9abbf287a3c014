"""Where a site's files lie, and ``ledger.json``: every expected unit once, with what came of its page.

What a page was made from stands there by name as a hash, and once for all pages what each hash was
made of (``details``): two pages with equal hashes would be the same page, and where they differ a user
is told what has changed. Nothing here reads a table.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from analysis.pages.template import TEMPLATE
from analysis.params import PARAMS_FOLDER, Params
from analysis.problems import InputError, error
from analysis.tables.dictionary import OWN_COLUMNS, dictionary
from analysis.tables.files import DESCRIPTION, digest_folder, regular, write_atomically

if TYPE_CHECKING:
    from analysis.site.planning import Page

REPORTS = Path("reports")
SHARED_REPORTS = REPORTS / "share"
INDEX = "index.html"
YEAR_PAGE = "year.html"
INDICATORS = "data/indicators.csv"
UNITS = "data/units.csv"
LEDGER = "ledger.json"
#: All sheets of a visit as one file, and all messages as one table.
BRIEFS = "briefs.html"
MESSAGES = "messages.csv"

UNIT_NOTEBOOK = "cdcs.ipynb"
AREA_NOTEBOOK = "area.ipynb"
YEAR_NOTEBOOK = "year.ipynb"
NOTEBOOKS = (UNIT_NOTEBOOK, AREA_NOTEBOOK, YEAR_NOTEBOOK)


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


def unit_page(unit_id: str) -> str:
    """Return the link from the site's folder to a unit's page."""
    return f"cdcs/{unit_id}.html"


def brief_page(unit_id: str) -> str:
    """Return the link to a unit's sheet."""
    return f"cdcs/{unit_id}.brief.html"


def message_file(unit_id: str) -> str:
    """Return the link to a unit's message."""
    return f"messages/{unit_id}.txt"


def word_file(year: int, unit_id: str = "") -> str:
    """Return the link to a Word report, of the year or of a unit."""
    return f"cdcs/{unit_id}.docx" if unit_id else f"bao-cao-{year}.docx"


def default_site(params: Params) -> Path:
    """Return the folder of a site that is given none: no edition or language overwrites another.

    Examples
    --------
    >>> default_site(Params(year=2024, data="d", plan="p", edition="share")).as_posix()
    'reports/share/2024'
    >>> default_site(Params(year=2024, data="d", plan="p", lang="en")).as_posix()
    'reports/en/2024'
    """
    editions = {"internal": REPORTS, "share": SHARED_REPORTS}
    is_usual = params.lang == Params.model_fields["lang"].default
    folder = editions[params.edition] if is_usual else editions[params.edition] / params.lang
    return folder / str(params.year)


@dataclass(frozen=True)
class Layout:
    """The folders of one year's site, of which ``site`` is the one that is shared."""

    site: Path

    def file(self, link: str) -> Path:
        """Return the file that a link of the site means."""
        return self.site / link

    def office_files(self) -> list[str]:
        """Return what lies beside the pages for an office: documents, workbooks, messages, sheets."""
        kinds = (".docx", ".xlsx", ".csv")
        names = (path.name for path in self.site.glob("*") if path.suffix in kinds)
        return sorted([*names, *([BRIEFS] if self.file(BRIEFS).exists() else [])])

    @property
    def notebooks(self) -> Path:
        """The folder of the executed notebooks: beside the site, never in what is shared."""
        return self.site.with_name(f"{self.site.name}.notebooks")

    @property
    def state(self) -> Path:
        """The file with a hash of all that the last run read and left."""
        return self.notebooks / ".state"

    @property
    def editions(self) -> Path:
        """The folder of the tables that were published before."""
        return self.site.with_name(f"{self.site.name}.editions")

    def executed(self, page: str, ending: str = ".ipynb") -> Path:
        """Return the executed notebook that a page was made from; ``.failed.ipynb`` did not make one."""
        return self.notebooks / f"{page.removesuffix('.html')}{ending}"

    def place(self, params: Params) -> Params:
        """Return the settings with what pages may know of the folder around them.

        That is the latest table published before, and the years whose sites lie beside this one.
        """
        folders = [path.parent for path in self.site.parent.glob(f"*/{INDEX}")]
        years = sorted(int(f.name) for f in folders if f.name.isdigit() and f != self.site)
        found = {
            "previous": max(map(str, self.editions.glob("*.csv")), default=""),
            "years_beside": years if self.site.name == str(params.year) else [],
        }
        return params.model_copy(update=found)


# A record lock does not keep its own process out, so that is done here.
_held: set[Path] = set()


@contextmanager
def hold_alone(path: Path) -> Iterator[None]:
    """Keep every other run out as long as the context lasts; refuse where another run is in.

    What counts is a lock that the system holds on the open file, not that the file is there: one
    that a killed run has left behind keeps nobody out. Record locks are of one process and not of
    its forks, so that no page that outlives its runner can keep them.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    message = (
        "một lượt lập báo cáo khác đang ghi vào thư mục này; hãy đợi lượt ấy xong rồi chạy lại"
    )
    taken = InputError([error(message, code="busy", file=path.parent.name)])
    if path in _held:
        raise taken
    with regular(path).open("ab") as file:
        try:
            _lock(file.fileno())
        except (BlockingIOError, PermissionError):
            raise taken from None
        _held.add(path)
        try:
            yield
        finally:
            # The file stays: somebody may have opened it already, to lock what would be no more.
            _held.discard(path)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@dataclass(frozen=True)
class Failure:
    """Why a page is not good.

    ``cell`` counts as JupyterLab counts the executed notebook's code cells (``In [3]`` is 3); it is
    None if the failure is not about one cell. ``line`` is the cell's first.
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

    ``no_return``: published, and it says that the unit has not reported. ``failed``: it was asked for
    and could not be made; ``page`` is then the last good one. ``not_run``: never asked for.
    """

    model_config = ConfigDict(frozen=True)

    outcome: Literal["published", "no_return", "failed", "not_run"] = "not_run"
    page: str | None = None  # the link to the page that is there
    sha256: str | None = None
    made_at: str | None = None
    inputs: dict[str, str] = {}  # the hashes of what that page was made from
    stale: bool = False  # whether that is something else than what there is now
    failure: Failure | None = None  # of the last attempt

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
            outcome = "not_run" if self.failure is None else "failed"
            return PageRecord(outcome=outcome, failure=self.failure)  # type: ignore[arg-type]
        is_stale = self.outcome == "failed" or self.inputs != inputs
        return self.model_copy(update={"stale": is_stale})


@dataclass
class Ledger:
    """The account of one year's site."""

    about: dict[str, Any]  # what the whole site was made from, and when
    pages: Mapping[str, Page]  # every page that the site should have, by link
    records: dict[str, PageRecord]
    details: Mapping[str, Parts] = field(default_factory=dict)  # as far as they are known

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

    def save(self, layout: Layout, at: str) -> None:
        """Write it, with sorted keys: the same bytes but for the times."""
        self.about["made_at"] = at
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


def find_state(seen: str, placed: Params, layout: Layout) -> str:
    """Return a hash of what a run read, of what lay around its folder, and of all that is in there.

    It is never sent: whoever knows most of the exact tables could try what gives it. It is empty, and
    equals nothing, where something is not known or cannot be read: a file may be open in Word.
    """
    around = {**placed.model_dump(), "previous": Path(placed.previous).name}
    try:
        return hash_value([seen, around, hash_paths(layout.site)]) if seen else ""
    except OSError:
        return ""


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

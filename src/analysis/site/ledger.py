"""``ledger.json``: every expected unit of the year exactly once, with what came of its page."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from analysis.site.gate import Failure
from analysis.site.layout import LEDGER, YEAR_PAGE, Layout, unit_page
from analysis.tables.dictionary import dictionary

Outcome = Literal["published", "no_return", "failed", "not_run"]
FORMAT = 2
_AREA = r"area/[a-z]+-[A-Za-z0-9._-]{1,80}\.html"


@dataclass(frozen=True)
class PageRecord:
    """One page's line in the ledger.

    Attributes
    ----------
    outcome : {"published", "no_return", "failed", "not_run"}
        ``no_return``: published, and it says that the unit has not reported. ``failed``: it was
        asked for and could not be made. ``not_run``: never asked for.
    page : str or None
        The link to the page that is there; for ``failed`` the last good one.
    sha256 : str or None
        The hash of that page.
    inputs : dict of str to str
        The hashes of what that page was made from, by name.
    made_at : str or None
        When that page was made.
    is_stale : bool
        Whether that page was made from something else than what there is now.
    failure : Failure or None
        Why the last attempt failed.
    """

    outcome: Outcome
    page: str | None = None
    sha256: str | None = None
    inputs: dict[str, str] = field(default_factory=dict)
    made_at: str | None = None
    is_stale: bool = False
    failure: Failure | None = None

    def as_record(self) -> dict[str, Any]:
        """Return the JSON object, which has the failure's fields only if there is one."""
        record = asdict(self)
        record["inputs"] = dict(sorted(self.inputs.items()))
        record["stale"] = record.pop("is_stale")
        record |= record.pop("failure") or {}
        return record

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> PageRecord:
        """Read what `as_record` wrote.

        Raises
        ------
        ValueError, KeyError or TypeError
            If it is something else.
        """
        names = ("outcome", "page", "sha256", "inputs", "made_at")
        failure = None
        if "error" in record:
            failure = Failure(record["cell"], record["error"], record["line"])
        known = {name: record[name] for name in names}
        entry = cls(**known, is_stale=record["stale"], failure=failure)
        return _ENTRY.validate_python(asdict(entry))


_ENTRY = TypeAdapter(PageRecord)


@dataclass
class Ledger:
    """The account of one year's site.

    Attributes
    ----------
    about : dict
        What the whole site was made from: year, plan, dataset, versions.
    year_page : PageRecord
        The year's own page.
    units : dict of str to PageRecord
        Every expected unit.
    areas : dict of str to PageRecord
        The pages of communes and commune unions, by link.
    names : dict of str to str
        What each unit is called.
    made_at : str
        When it was last brought up to date, UTC.
    """

    about: dict[str, Any]
    year_page: PageRecord
    units: dict[str, PageRecord]
    areas: dict[str, PageRecord]
    names: dict[str, str]
    made_at: str = ""

    @property
    def pages(self) -> dict[str | None, PageRecord]:
        """Every page's entry: the year's under None, a unit's under its id, an area's under its link."""
        pages: dict[str | None, PageRecord] = {None: self.year_page}
        return pages | dict(self.units) | dict(self.areas)

    def put(self, key: str | None, entry: PageRecord) -> None:
        """Set what came of a page."""
        if key is None:
            self.year_page = entry
        elif key in self.areas:
            self.areas[key] = entry
        else:
            self.units[key] = entry

    def as_record(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "format": FORMAT,
            **self.about,
            "made_at": self.made_at,
            "year_page": self.year_page.as_record(),
            "units": [
                {"unit_id": unit_id, "name": self.names[unit_id], **entry.as_record()}
                for unit_id, entry in sorted(self.units.items())
            ],
            "areas": [
                {"link": link, "name": self.names[link], **entry.as_record()}
                for link, entry in sorted(self.areas.items())
            ],
        }

    def as_json(self) -> str:
        """Return the file's text: sorted keys, the same bytes but for the times."""
        return json.dumps(self.as_record(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


@dataclass(frozen=True)
class Earlier:
    """What an earlier run left in the folder.

    Attributes
    ----------
    year_page : PageRecord
        The year's own page.
    units, areas : dict of str to PageRecord
        The units and areas of then.
    """

    year_page: PageRecord
    units: dict[str, PageRecord]
    areas: dict[str, PageRecord]

    @property
    def pages(self) -> dict[str | None, PageRecord]:
        """Every page's entry, as `Ledger.pages`."""
        pages: dict[str | None, PageRecord] = {None: self.year_page}
        return pages | dict(self.units) | dict(self.areas)


def read_record(layout: Layout) -> dict[str, Any]:
    """Return what a ledger says; nothing where there is none that can be read."""
    try:
        record = json.loads(layout.file(LEDGER).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def read_earlier(layout: Layout) -> Earlier:
    """Read an earlier run's ledger; a missing, unreadable or tampered one says nothing.

    Files are compared, kept and removed by what it says: every name in it is checked.
    """
    nothing = Earlier(PageRecord("not_run"), {}, {})
    record = read_record(layout)
    names = dictionary().tables["roster"].columns["unit_id"].type.pattern or ""
    try:
        if record["format"] != FORMAT:
            return nothing
        units = {item["unit_id"]: PageRecord.from_record(item) for item in record["units"]}
        areas = {item["link"]: PageRecord.from_record(item) for item in record["areas"]}
        year_page = PageRecord.from_record(record["year_page"])
        pages = {unit_page(unit_id): entry for unit_id, entry in units.items()}
        pages |= {YEAR_PAGE: year_page, **areas}
        is_sound = all(re.fullmatch(names, unit_id) for unit_id in units)
        is_sound &= all(re.fullmatch(_AREA, link) for link in areas)
    except (ValueError, KeyError, TypeError):
        return nothing
    is_sound &= all(entry.page in (None, link) for link, entry in pages.items())
    return Earlier(year_page, units, areas) if is_sound else nothing


def keep(entry: PageRecord | None, inputs: dict[str, str], layout: Layout) -> PageRecord:
    """Return what an earlier entry still says: a page counts only if it is there as it was made."""
    if entry is None or entry.page is None or not is_there(entry, layout):
        if entry is None or entry.failure is None:
            return PageRecord("not_run")
        return PageRecord("failed", failure=entry.failure)
    is_stale = entry.outcome == "failed" or entry.inputs != inputs
    known = (entry.page, entry.sha256, entry.inputs, entry.made_at)
    return PageRecord(entry.outcome, *known, is_stale, entry.failure)


def is_there(entry: PageRecord, layout: Layout) -> bool:
    """Tell whether the page is in the folder, byte for byte as it was made."""
    if entry.page is None:
        return False
    try:
        return hash_text(layout.file(entry.page).read_bytes()) == entry.sha256
    except OSError:
        return False


def is_good(entry: PageRecord) -> bool:
    """Tell whether nothing needs to be made: a page is there, made from what there is now."""
    return entry.outcome in ("published", "no_return") and not entry.is_stale


def hash_text(content: str | bytes) -> str:
    """Return the SHA-256 of a text or of bytes."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hash_text(path.read_bytes())

"""Where things go: the site that is shared, the executed notebooks beside it; one run at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from analysis.params import Params
from analysis.problems import InputError, error
from analysis.tables.files import regular

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


def unit_page(unit_id: str) -> str:
    """Return the link from the site's folder to a unit's page.

    Examples
    --------
    >>> unit_page("TT-KHESANH")
    'cdcs/TT-KHESANH.html'
    """
    return f"cdcs/{unit_id}.html"


def brief_page(unit_id: str) -> str:
    """Return the link to a unit's sheet."""
    return f"cdcs/{unit_id}.brief.html"


def message_file(unit_id: str) -> str:
    """Return the link to a unit's message."""
    return f"messages/{unit_id}.txt"


def word_file(year: int, unit_id: str = "") -> str:
    """Return the link to a Word report, of the year or of a unit.

    Examples
    --------
    >>> word_file(2024), word_file(2024, "TT-KHESANH")
    ('bao-cao-2024.docx', 'cdcs/TT-KHESANH.docx')
    """
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
    """The folders of one year's site.

    Attributes
    ----------
    site : Path
        The folder that is shared.
    """

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
    def lock(self) -> Path:
        """The file that a run holds a lock on."""
        return self.notebooks / ".lock"

    @property
    def state(self) -> Path:
        """The file with a hash of all that the last run read and left."""
        return self.notebooks / ".state"

    @property
    def editions(self) -> Path:
        """The folder of the tables that were published before."""
        return self.site.with_name(f"{self.site.name}.editions")

    def executed(self, page: str) -> Path:
        """Return the executed notebook that a page was made from."""
        return (self.notebooks / page.removesuffix(".html")).with_name(f"{Path(page).stem}.ipynb")

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

    def failed(self, page: str) -> Path:
        """Return the notebook of a failed attempt, as far as it ran."""
        executed = self.executed(page)
        return executed.with_name(f"{executed.stem}.failed.ipynb")


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
    if path in _held:
        raise _is_taken(path)
    with regular(path).open("ab") as file:
        try:
            _lock(file.fileno())
        except (BlockingIOError, PermissionError):
            raise _is_taken(path) from None
        _held.add(path)
        try:
            yield
        finally:
            # The file stays: somebody may have opened it already, to lock what would be no more.
            _held.discard(path)


def _is_taken(path: Path) -> InputError:
    message = (
        "một lượt lập báo cáo khác đang ghi vào thư mục này; hãy đợi lượt ấy xong rồi chạy lại"
    )
    return InputError([error(message, code="busy", file=path.parent.name)])


if sys.platform == "win32":
    import msvcrt
    import os

    def _lock(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

"""The register of a new year from the old one's: who goes on, who ended, what the office has to add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.problems import InputError, error
from analysis.tables.check import NO_REGISTER
from analysis.tables.communes import came_into, find_place
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset
from analysis.tables.texts import spell_column

#: Events after which the predecessor is gone, unless it goes on as itself.
_ENDS = ("dissolved", "merged", "transferred_out")


@dataclass(frozen=True, eq=False)
class NextYear:
    """A register to begin a year with.

    Attributes
    ----------
    rows : DataFrame of str
        Who is who, in columns of the dictionary; the year's counts are still to be reported.
    left_out : dict of str to str
        Units of the old register that are not in the new one, each with the reason.
    lacking : dict of str to str
        Units that an event names and no register knows, each with the event.
    divided : dict of str to list of str
        Communes that became several: their units still stand under the old name.
    """

    rows: pd.DataFrame
    left_out: dict[str, str]
    lacking: dict[str, str]
    divided: dict[str, list[str]]


def begin_year(dataset: Dataset, year: int) -> NextYear:
    """Return the register of a new year: last year's, changed by what happened since.

    Parameters
    ----------
    dataset : Dataset
        The tables.
    year : int
        The new year.

    Raises
    ------
    InputError
        If there is no register to begin from, or the year has one already.

    Examples
    --------
    >>> from analysis import load
    >>> begun = begin_year(load(2025).dataset, 2026)
    >>> len(begun.rows), begun.left_out["XA-TANHOP"]
    (31, 'giải thể, kết thúc hoạt động ngày 15/06/2025')
    """
    if year in dataset.years:
        message = f"danh sách năm {year} đã có; lệnh này không ghi đè, hãy sửa bằng congdoan import"
        raise InputError([error(message, code="year_exists", column="NĂM", value=year)])
    if year - 1 not in dataset.years:
        message = NO_REGISTER.format(year=year - 1)
        raise InputError([error(message, code="no_roster", column="NĂM", value=year)])
    old = dataset.roster[dataset.roster["year"] == year - 1]
    events = dataset.lineage[dataset.lineage["date"].dt.year.isin([year - 1, year])]
    left_out = _ended(old, year) | _departed(events, set(old["unit_id"]))
    kept = old[~old["unit_id"].isin(left_out)].assign(year=year)
    heirs = came_into(dataset.tables["communes"], year - 1, year)
    new = {
        commune: heirs.get(find_place(commune, heirs) or "", {commune})
        for commune in kept["commune"]
    }
    divided = {commune: sorted(names) for commune, names in new.items() if len(names) > 1}
    renamed = {commune: min(names) for commune, names in new.items() if commune not in divided}
    kept = kept.assign(commune=kept["commune"].map(lambda commune: renamed.get(commune, commune)))
    columns = [c for c in dictionary().tables["roster"].columns.values() if c.type.name != "count"]
    text = pd.DataFrame({column.name: spell_column(kept[column.name]) for column in columns})
    return NextYear(text.reset_index(drop=True), left_out, _lacking(events, old), divided)


def _ended(old: pd.DataFrame, year: int) -> dict[str, str]:
    ended = old[old["dissolved_on"] < pd.Timestamp(year, 1, 1)]
    days = zip(ended["unit_id"], ended["dissolved_on"], strict=True)
    return {unit: f"kết thúc hoạt động ngày {day:%d/%m/%Y}" for unit, day in days}


def _departed(events: pd.DataFrame, known: set[str]) -> dict[str, str]:
    goes = events["event"].isin(_ENDS) & events["predecessor_id"].isin(known)
    goes &= (events["predecessor_id"] != events["successor_id"]).fillna(True)
    return {row.predecessor_id: _tell(row) for row in events[goes].itertuples()}


def _lacking(events: pd.DataFrame, old: pd.DataFrame) -> dict[str, str]:
    new = events[events["successor_id"].notna() & ~events["successor_id"].isin(old["unit_id"])]
    return {row.successor_id: _tell(row) for row in new.itertuples()}


def _tell(row: Any) -> str:
    """Tell an event of the lineage in a few words."""
    event = dictionary().words["event"][row.event].lower()
    other = ""
    if row.event == "merged":
        other = f" vào {row.successor_id}"
    elif row.event == "split":
        other = f" từ {row.predecessor_id}"
    return f"{event}{other} ngày {row.date:%d/%m/%Y}"


def format_next_year(begun: NextYear, dataset: Dataset, year: int) -> str:
    """Tell in Vietnamese how the new register differs from last year's.

    Parameters
    ----------
    begun : NextYear
        From `begin_year`.
    dataset : Dataset
        The tables that it was made from.
    year : int
        The new year.
    """
    old = dataset.roster[dataset.roster["year"] == year - 1]
    names = dict(zip(old["unit_id"], old["name"], strict=True))
    lines = [f"Danh sách năm {year}: {len(begun.rows)} CĐCS, lấy từ {len(old)} CĐCS năm {year - 1}"]
    if begun.left_out:
        lines.append(f"Không còn trong danh sách: {len(begun.left_out)}")
        lines += [f"  {unit} {names[unit]}: {why}" for unit, why in sorted(begun.left_out.items())]
    if begun.lacking:
        lines.append(f"Chưa có tên, loại hình, xã: văn phòng ghi thêm vào danh sách {year}")
        lines += [f"  {unit}: {why}" for unit, why in sorted(begun.lacking.items())]
    for commune, new in begun.divided.items():
        lines.append(
            f"Xã {commune} được chia về {', '.join(new)}: văn phòng ghi lại xã của từng CĐCS"
        )
    lines.append("Số lao động, đoàn viên của năm mới để trống: chờ phiếu của từng đơn vị")
    return "\n".join(lines)

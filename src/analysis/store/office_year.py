"""The office's year: who has reported and who is missing, what is due, and how the next year begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.plan import Plan
from analysis.problems import InputError, error
from analysis.results.members import is_expected, why_not_expected
from analysis.tables.check import NO_REGISTER
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset
from analysis.tables.storefile import has_store, reading
from analysis.tables.texts import spell_column
from analysis.tables.writing import alphabetically, came_into, find_place
from analysis.tasks import Duties, Duty

_SOON_DAYS = 30
#: Who is asked for what. As on the pages, what nobody reported is not late: it may be done.
_LISTS: dict[str, Callable[[Duty], bool]] = {
    "Nhiệm vụ quá hạn": lambda duty: duty.state == "overdue",
    "Nhiệm vụ đã đến hạn mà chưa báo cáo": lambda duty: duty.state == "unreported_due",
    f"Nhiệm vụ đến hạn trong {_SOON_DAYS} ngày": (
        lambda duty: duty.is_due_within(_SOON_DAYS) and not duty.task.indicator
    ),
}
STATES = {"received": "đã nộp", "with_errors": "nộp nhưng có lỗi", "missing": "chưa nộp"}
#: Events after which the predecessor is gone, unless it goes on as itself.
_ENDS = ("dissolved", "merged", "transferred_out")


def find_status(dataset: Dataset, plan: Plan, year: int, folder: Path) -> pd.DataFrame:
    """Tell of every unit that has to report in a year how far it is.

    Returns
    -------
    DataFrame
        One row per expected unit, by unit_id: ``name``, ``unit_type``, ``commune``, ``parent`` and
        ``state``: ``received``, ``with_errors`` (no return, and the store of ``folder`` knows a
        refused file of its) or ``missing``.
    """
    roster = dataset.roster[dataset.roster["year"] == year]
    units = roster[is_expected(roster, plan)].set_index("unit_id").sort_index()
    units = units[["name", "unit_type", "commune", "parent"]].copy()
    units["parent"] = units["parent"].fillna(plan.issuer.id)
    sent = dataset.sent_returns
    state = pd.Series("missing", index=units.index, dtype="str")
    state[units.index.isin(_refused(folder, year))] = "with_errors"
    state[units.index.isin(sent.loc[sent["year"] == year, "unit_id"])] = "received"
    return units.assign(state=state)


def find_unasked(dataset: Dataset, plan: Plan, year: int, folder: Path) -> pd.DataFrame:
    """Tell of the units that sent a return although they do not have to report.

    Returns
    -------
    DataFrame
        By unit_id: ``name``, ``reason`` and ``state``: ``received`` or ``with_errors``.
    """
    roster = dataset.roster[dataset.roster["year"] == year]
    absent = roster[~is_expected(roster, plan)].set_index("unit_id").sort_index()
    sent_returns = dataset.sent_returns
    received = absent.index.isin(sent_returns.loc[sent_returns["year"] == year, "unit_id"])
    sent = received | absent.index.isin(_refused(folder, year))
    reasons = [why_not_expected(row, plan, year) for _, row in absent.iterrows()]
    states = np.where(received, "received", "with_errors")
    return absent[["name"]].assign(reason=pd.Series(reasons, absent.index, "str"), state=states)[
        sent
    ]


def format_duties(dataset: Dataset, plan: Plan, year: int, on: date) -> str:
    """List in Vietnamese, by holder, what is overdue on a day and what falls due within 30 days.

    The day is the cut-off where that is earlier. Empty where the dataset does not follow tasks, or
    has no register of the year.
    """
    if year not in dataset.years:
        return ""
    duties = Duties(dataset, plan, year, on)
    if not duties:
        return ""
    roster = dataset.roster[dataset.roster["year"] == year]
    names = dict(zip(roster["unit_id"], roster["name"], strict=True))
    names[plan.issuer.id] = plan.issuer.short
    silent = {holder for holder, held in duties.items() if not any(d.is_answered for d in held)}
    lists: dict[str, list[str]] = {title: [] for title in _LISTS}
    for holder in sorted(duties.keys() - silent, key=lambda holder: alphabetically(names[holder])):
        for title, lines in lists.items():
            asked = [duty for duty in duties[holder] if _LISTS[title](duty)]
            if asked:
                told = "; ".join(map(_told, sorted(asked, key=lambda d: str(d.due))))
                lines.append(f"- {names[holder]}: {told}")
    day = min(on, plan.cut_off_in(year)).strftime("%d/%m/%Y")
    parts = [
        "\n".join([f"{title}, tính đến ngày {day} ({len(lines)} nơi)", *lines])
        for title, lines in lists.items()
        if lines
    ]
    if silent:
        absent = "; ".join(sorted((names[holder] for holder in silent), key=alphabetically))
        parts.append(f"Chưa gửi phiếu nhiệm vụ năm {year} ({len(silent)} nơi)\n{absent}")
    return "\n\n".join(parts) or f"Không có nhiệm vụ nào quá hạn hay sắp đến hạn ngày {day}."


def _told(duty: Duty) -> str:
    assert duty.due is not None
    late = f", chậm {duty.days_late} ngày" if duty.state == "overdue" else ""
    unsaid = ", chưa báo cáo" if duty.state == "unreported" else ""
    return f"{duty.task.short} (hạn {duty.due:%d/%m/%Y}{late}{unsaid})"


def _refused(folder: Path, year: int) -> set[str]:
    if not has_store(folder):
        return set()
    query = "SELECT DISTINCT unit_id FROM refused WHERE year IN (?, '')"
    with reading(folder) as connection:
        return {unit for (unit,) in connection.execute(query, [str(year)])}


def format_status(units: pd.DataFrame, unasked: pd.DataFrame, plan: Plan, year: int) -> str:
    """Tell it in Vietnamese: counts by commune and by type, then a list to remind, ready to paste."""
    if units.empty and unasked.empty:
        return NO_REGISTER.format(year=year)
    words = dictionary().words["unit_type"]
    types = units["unit_type"].map(words)
    parts = [
        f"Tình hình nộp báo cáo năm {year}",
        _count(units, pd.Series("Toàn bộ", index=units.index), ""),
        _count(units, units["commune"], "Theo xã, thị trấn"),
        _count(units, types, "Theo loại hình"),
    ]
    open_units = units[units["state"] != "received"]
    if len(open_units):
        parts.append(_reminder(open_units, plan, year))
    if len(unasked):
        lines = [f"Không phải báo cáo năm {year} mà có gửi ({len(unasked)} CĐCS)"]
        fates = {
            "received": "số liệu có trong kho nhưng không được tính",
            "with_errors": "bị trả lại",
        }
        lines += [
            f"- {u.name} ({u.Index}): {u.reason}; {fates[u.state]}" for u in unasked.itertuples()
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _count(units: pd.DataFrame, groups: pd.Series, title: str) -> str:
    table = pd.crosstab(groups, units["state"]).reindex(columns=list(STATES), fill_value=0)
    width = max([len(title), *(len(str(name)) for name in table.index)], default=0)
    lines = [f"{title:<{width}}  phải nộp  đã nộp  có lỗi  chưa nộp"]
    for name, row in table.sort_index(key=lambda names: names.map(alphabetically)).iterrows():
        received, wrong, missing = (int(row[state]) for state in STATES)
        expected = received + wrong + missing
        lines.append(f"{name!s:<{width}}  {expected:>8}  {received:>6}  {wrong:>6}  {missing:>8}")
    return "\n".join(lines)


def _reminder(units: pd.DataFrame, plan: Plan, year: int) -> str:
    lines = [f"Danh sách nhắc nộp báo cáo năm {year} ({len(units)} CĐCS)"]
    for parent, group in units.groupby("parent", sort=True):
        name = plan.issuer.short if parent == plan.issuer.id else str(parent)
        lines.append(f"{name}:")
        named = group.assign(**{c: group[c].map(alphabetically) for c in ("commune", "name")})
        for unit in group.loc[named.sort_values(["commune", "name"]).index].itertuples():
            note = " - tệp đã gửi có lỗi, cần sửa và gửi lại" if unit.state == "with_errors" else ""
            lines.append(f"- {unit.name}, {unit.commune} ({unit.Index}){note}")
    return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class NextYear:
    """A register to begin a year with, ``rows`` of text; the year's counts are still to be reported.

    ``left_out`` are the units of the old register that are not in it, each with the reason;
    ``lacking`` those that an event names and no register knows, each with the event; ``divided`` the
    communes that became several: their units still stand under the old name.
    """

    rows: pd.DataFrame
    left_out: dict[str, str]
    lacking: dict[str, str]
    divided: dict[str, list[str]]


def begin_year(dataset: Dataset, year: int) -> NextYear:
    """Return the register of a new year: last year's, changed by what happened since.

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
    """Tell in Vietnamese how the new register differs from last year's."""
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

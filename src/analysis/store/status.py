"""Who has reported for a year, whose file was sent back, and who is missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.plan import Plan
from analysis.results.members import is_expected, why_not_expected
from analysis.tables.check import NO_REGISTER
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset
from analysis.tables.storefile import has_store, reading
from analysis.tables.writing import alphabetically
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


def find_status(dataset: Dataset, plan: Plan, year: int, folder: Path) -> pd.DataFrame:
    """Tell of every unit that has to report in a year how far it is.

    Parameters
    ----------
    dataset : Dataset
        The tables.
    plan : Plan
        Its cut-off tells who has to report.
    year : int
        The year.
    folder : Path
        The dataset's folder; its store knows the refused files.

    Returns
    -------
    DataFrame
        One row per expected unit, by unit_id: ``name``, ``unit_type``, ``commune``, ``parent`` and
        ``state``: ``received``, ``with_errors`` (no return, and a file of its was refused) or
        ``missing``.
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

    Parameters
    ----------
    dataset, plan, year, folder
        As for `find_status`.

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

    Parameters
    ----------
    dataset : Dataset
        The tables.
    plan : Plan
        Its tasks.
    year : int
        The year.
    on : date
        The day; the cut-off where it is later.

    Returns
    -------
    str
        Empty where the dataset does not follow tasks, or has no register of the year.
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
    """Tell it in Vietnamese: counts by commune and by type, then a list to remind, ready to paste.

    Parameters
    ----------
    units : DataFrame
        From `find_status`.
    unasked : DataFrame
        From `find_unasked`.
    plan : Plan
        Names the one that parentless units belong to.
    year : int
        The year.
    """
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

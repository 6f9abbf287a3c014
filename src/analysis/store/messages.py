"""What came of an import, and of a comparison with a published edition, in Vietnamese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from platform import platform, python_version
from typing import Any

from analysis.plan import Plan
from analysis.problems import name_place, tell_first
from analysis.store.history import Changed, Correction
from analysis.store.merge import GAVE_WAY, show_figure
from analysis.store.take_in import Recap, Taken
from analysis.tables.dictionary import with_heading
from analysis.tables.files import STORE
from analysis.tables.storefile import local_time

#: Of one file so many units are named; the others are counted.
_MOST_NAMED = 100
#: Warnings block nothing; more than these would push the errors out of sight.
_MOST_WARNINGS = 200


def format_recap(recap: Recap) -> str:
    """Tell what was accepted, what was there already, and what was refused with its errors.

    Parameters
    ----------
    recap : Recap
        From `take_in`.
    """
    lines = []
    if recap.created_from is not None:
        begin = ", ".join(recap.created_from) or "chưa có bảng nào"
        lines.append(f"Đã lập kho số liệu {STORE} (từ: {begin}).")
    warnings = _warnings(recap)
    lines += warnings[:_MOST_WARNINGS]
    if len(warnings) > _MOST_WARNINGS:
        more = len(warnings) - _MOST_WARNINGS
        lines.append(f"và {more} cảnh báo khác; xem đủ bằng congdoan check")
    for outcome, title in _TITLES.items():
        files = [taken for taken in recap.files if taken.outcome == outcome]
        if files:
            lines.append(f"{title}: {len(files)} tệp")
            lines += [f"  {_name(taken)}" for taken in files]
    if recap.not_reached:
        title = "Đã dừng theo yêu cầu, chưa đến lượt; hãy chạy lại lệnh để nhận tiếp"
        lines.append(f"{title}: {len(recap.not_reached)} tệp")
        lines += [f"  {path.name}" for path in recap.not_reached]
    for taken in recap.files:
        if taken.outcome == "refused":
            errors = [problem for problem in taken.problems if problem.severity == "error"]
            lines.append(f"\n{taken.path.name}: {len(errors)} lỗi")
            told, others = tell_first(errors)
            lines += [f"  {with_heading(problem)}" for problem in told]
            lines += [f"  {others}"] if others else []
    return "\n".join(lines)


def format_traces(traces: Mapping[str, str]) -> str:
    """Tell the maintainers where the program failed; a trace shows only the cell that broke it.

    Parameters
    ----------
    traces : mapping of str to str
        From `Recap.traces`.
    """
    about = f"congdoan {version('congdoan')}, Python {python_version()}, {platform()}"
    return "\n\n".join([about, *(f"{name or '-'}\n{trace}" for name, trace in traces.items())])


_TITLES = {
    "accepted": "Đã nhận",
    "unchanged": "Đã có, không đổi",
    "refused": "Bị trả lại, chưa nhận gì",
}


def _warnings(recap: Recap) -> list[str]:
    given = [problem for taken in recap.files for problem in taken.problems]
    both = [problem for problem in given if problem.severity == "warning"] + [*recap.warnings]
    return [str(with_heading(problem)) for problem in both if problem.code != GAVE_WAY]


def _name(taken: Taken) -> str:
    units = [f"{unit} ({year})" for year, unit in taken.units]
    named = ", ".join(units[:_MOST_NAMED])
    if len(units) > _MOST_NAMED:
        named += f" và {len(units) - _MOST_NAMED} CĐCS khác"
    rows = f", {taken.rows} dòng" if taken.rows else ""
    told = "".join(f"\n    {one.message}" for one in taken.problems if one.code == GAVE_WAY)
    return f"{taken.path.name}{rows}" + (f": {named}" if named else "") + told


def format_changes(changed: Sequence[Changed], verdicts: dict[str, str], plan: Plan) -> str:
    """Tell each verdict then and now, and the corrections behind it.

    Parameters
    ----------
    changed : sequence of Changed
        From `find_changes`.
    verdicts : dict of str to str
        What each verdict is called.
    plan : Plan
        Its issuer's name stands for the whole district.
    """
    if not changed:
        return "Không có đánh giá nào thay đổi."
    lines = [f"{len(changed)} đánh giá đã thay đổi"]
    for item in changed:
        whom = plan.issuer.short if item.scope == "district" else item.scope_id
        before, now = (verdicts[row.verdict] for row in (item.before, item.now))
        lines.append(f"\n{whom} · {item.indicator.title}")
        lines.append(f"  {before}{_counts(item.before)} → {now}{_counts(item.now)}")
        lines += _causes(item.corrections)
    return "\n".join(lines)


def _counts(row: Any) -> str:
    counts = " / ".join(text for text in (row.numerator, row.denominator) if text)
    return f" ({counts})" if counts else ""


def _causes(corrections: Sequence[Correction]) -> list[str]:
    lines = [f"  {_correction(item)}" for item in corrections if item.before is not None]
    new = sorted({_who(item) for item in corrections if item.before is None})
    if new:
        lines.append(f"  Mới có số liệu: {', '.join(new)}")
    return lines or ["  Không do số liệu của kho: kế hoạch, tham số hoặc cách tính đã khác"]


def _who(item: Correction) -> str:
    return " ".join(reversed(item.key.values()))


def _correction(item: Correction) -> str:
    before, after = (show_figure(item.column, text) for text in (item.before, item.after))
    why = f"; lý do: {item.reason}" if item.reason else ""
    who = f"; người nhập: {item.by}" if item.by else ""
    place = (
        name_place(item.file, item.sheet, item.cell, item.row) if item.file else "rút lại báo cáo"
    )
    return (
        f"{_who(item)}, «{item.column.vi}»: {before} → {after}"
        f" ({place}; {local_time(item.at)}{why}{who})"
    )

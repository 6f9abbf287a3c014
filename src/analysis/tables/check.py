"""What must hold across the cells of a dataset, and what only deserves a second look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.problems import Problem, error
from analysis.tables.dictionary import PLACED, Column, Table, dictionary
from analysis.tables.files import TEXTS
from analysis.tables.load import Dataset, row_problems
from analysis.tables.writing import LAST_MONTH, bare_place, clean, find_place, loosely

Rule = Callable[[Dataset], list[Problem]]

_ON_REGISTER = " (tính người có trong sổ vào ngày chốt số liệu, mỗi người một lần)"

#: Told of a year without a register: nobody can be asked anything yet.
NO_REGISTER = "chưa có danh sách năm {year}; nhận tệp của văn phòng trước"
#: A unit type needs this many figures before one of them can look odd.
_MIN_DISTRIBUTION = 8
_MAX_ROBUST_Z = 3.5
#: Money so many times what it is compared with was typed in another unit of money.
_OTHER_UNIT = 200
#: Where there are fewer people than this, 1 may well be right.
_MANY = 10
#: Fewer figures than this can be equal by chance.
_LEAST_FIGURES = 5
_DUE = {"fund_collected": "fund_due", "dues_collected": "dues_due"}
#: Events that end the predecessor if they take all of it.
_ENDINGS = ("merged", "split", "dissolved", "transferred_out")


def check_dataset(dataset: Dataset) -> list[Problem]:
    """Apply every rule across cells; problems of the reading itself are not repeated.

    Errors block; warnings are shown and block nothing.
    """
    return [*check_rules(dataset), *known_writers(dataset), *check_oddities(dataset)]


def check_rules(dataset: Dataset) -> list[Problem]:
    """Apply the rules that must hold; each looks at the rows of one key alone."""
    rules: list[Rule] = [_unique_keys, _known_units, _parts_within_wholes]
    return dataset.locate([problem for rule in rules for problem in rule(dataset)])


def _unique_keys(dataset: Dataset) -> list[Problem]:
    found = []
    for table in dictionary().tables.values():
        frame = dataset.tables[table.name]
        key = list(table.key)
        repeated = frame[frame.duplicated(key, keep=False)]
        if repeated.empty:
            continue
        first = (
            repeated.reset_index(names="row").groupby(key, dropna=False)["row"].transform("first")
        )
        repeated = repeated.assign(first_row=first.to_numpy())
        repeated = repeated[repeated.index != repeated["first_row"]]
        found += row_problems(
            repeated,
            dataset.files[table.name],
            key[-1],
            code="duplicate_key",
            message=f"trùng khóa ({', '.join(key)}) với dòng {{first_row}}",
        )
    return found


def _known_units(dataset: Dataset) -> list[Problem]:
    if "roster" in dataset.unread:
        return []  # its own errors are told already
    found = []
    known = pd.MultiIndex.from_frame(dataset.roster[["year", "unit_id"]])
    for name in ("returns", "employers"):
        frame = dataset.tables[name]
        named = frame[frame["unit_id"].notna()]
        absent = named[~pd.MultiIndex.from_frame(named[["year", "unit_id"]]).isin(known)]
        found += row_problems(
            absent,
            dataset.files[name],
            "unit_id",
            code="unknown_unit",
            message="mã này không có trong danh sách CĐCS năm {year}",
        )
    return found


def known_writers(dataset: Dataset) -> list[Problem]:
    """Return an error for each text about a unit that the year's register does not have."""
    if "roster" in dataset.unread:
        return []
    known = set(zip(dataset.roster["year"], dataset.roster["unit_id"], strict=True))
    return [
        replace(
            error(
                f"mã này không có trong danh sách CĐCS năm {year}",
                code="unknown_unit",
                file=f"{TEXTS}/{year}/{unit_id}.md",
                value=unit_id,
            ),
            year=year,
        )
        for year, unit_id in dataset.texts
        if unit_id and (year, unit_id) not in known
    ]


def _parts_within_wholes(dataset: Dataset) -> list[Problem]:
    found = []
    roster = dataset.roster.drop_duplicates(["year", "unit_id"]).set_index(["year", "unit_id"])
    for table in dictionary().tables.values():
        frame = dataset.tables[table.name]
        limited = [column for column in table.columns.values() if column.at_most]
        if not limited or frame.empty:
            continue
        if "unit_id" in table.key:
            keys = pd.MultiIndex.from_frame(frame[["year", "unit_id"]])
            beside = roster.reindex(keys).set_axis(frame.index)
        for column in limited:
            whole = frame if column.at_most in table.columns else beside
            limits = whole[column.at_most]
            above = frame[column.name].array > limits.array
            over = above.to_numpy(bool, na_value=False)
            if column.exempt:
                over &= ~frame["unit_type"].isin(column.exempt).to_numpy()
            if not over.any():
                continue
            rows = frame[over].assign(limit=limits[over])
            found += row_problems(
                rows,
                dataset.files[table.name],
                column.name,
                code="part_above_whole",
                message=_above_message(table, column),
            )
    return found


def _above_message(table: Table, column: Column) -> str:
    tables = dictionary().tables
    whole = {**tables["roster"].columns, **table.columns}[column.at_most or ""]
    people = _ON_REGISTER if column.type.name == "count" else ""
    return f"«{column.vi}» lớn hơn «{whole.vi}» là {{limit:,}}{people}"


def check_oddities(dataset: Dataset) -> list[Problem]:
    """Warn of what deserves a second look, beside the rows of other units and years."""
    rules: list[Rule] = [
        *(_dates_in_order, _other_founding, _odd_counts, find_lone_ones, _odd_money),
        *(_sudden_changes, _same_as_last_year, _twins, _over_collection),
        *(_unknown_lineage, _still_standing, find_variants, find_old_communes),
    ]
    return dataset.locate([problem for rule in rules for problem in rule(dataset)])


def _warn(
    rows: pd.DataFrame, dataset: Dataset, table: str, column: str, code: str, message: str
) -> list[Problem]:
    return row_problems(
        rows, dataset.files[table], column, code=code, message=message, is_error=False
    )


def _where(frame: pd.DataFrame, is_odd: Any, column: str, **more: Any) -> pd.DataFrame:
    """Return a column's odd cells with what is told beside them: cutting a whole table is dear."""
    if not is_odd.any():
        return frame.iloc[:0]
    told = frame[[name for name in ("year", "date", column) if name in frame]]
    return told[is_odd].assign(**{name: beside[is_odd] for name, beside in more.items()})


def _floats(column: pd.Series) -> np.ndarray:
    """Return figures as floats, for statistics alone: no rule rests on them."""
    figures: np.ndarray = column.to_numpy("float64", na_value=np.nan)
    return figures


def _above_zero(figures: np.ndarray) -> np.ndarray:
    return np.where(figures > 0, figures, np.nan)


def _beside(
    frame: pd.DataFrame, other: pd.DataFrame, *names: str, years_back: int = 0
) -> pd.DataFrame:
    """Return another table's columns, all or some, of the same unit and year or an earlier year."""
    key = [name for name in ("year", "unit_id") if name in frame.columns]
    other = other.drop_duplicates(key)
    rows = pd.MultiIndex.from_frame(other[key].assign(year=other["year"] + years_back))
    found = rows.get_indexer(pd.MultiIndex.from_frame(frame[key]))
    columns = other[list(names)] if names else other
    return columns.reset_index(drop=True).reindex(found).set_axis(frame.index)


def _follow(rows: pd.DataFrame) -> bool:
    """Tell whether there are rows of two years of which one follows the other."""
    years = {*rows["year"].to_list()}
    return any(year + 1 in years for year in years)


def _dates_in_order(dataset: Dataset) -> list[Problem]:
    roster = dataset.roster
    rows = roster[roster["dissolved_on"] < roster["founded_on"]]
    message = "ngày kết thúc trước ngày thành lập {founded_on:%d/%m/%Y}"
    return _warn(rows, dataset, "roster", "dissolved_on", "dates", message)


def _other_founding(dataset: Dataset) -> list[Problem]:
    """Warn of a unit whose founding day differs from an earlier year's register."""
    roster = dataset.roster[dataset.roster["founded_on"].notna()].sort_values(["unit_id", "year"])
    before = roster["founded_on"].shift().where(roster["unit_id"] == roster["unit_id"].shift())
    other = before.notna() & (before != roster["founded_on"])
    return _warn(
        *(roster[other].assign(before=before[other]).sort_index(), dataset, "roster"),
        *("founded_on", "other_founding"),
        "danh sách năm trước ghi thành lập ngày {before:%d/%m/%Y}; ngày và tháng có bị đảo không?",
    )


def find_lone_ones(dataset: Dataset) -> list[Problem]:
    """Warn of a 1 where most people are meant: Excel keeps a typed 100% as 1."""
    found = []
    for table in dictionary().tables.values():
        frame = dataset.tables[table.name]
        for column in table.columns.values():
            if not column.mostly or not (frame[column.name] == 1).any():
                continue
            most = str(column.at_most)
            whole = (frame if most in frame else _beside(frame, dataset.roster, most))[most]
            lone = ((frame[column.name] == 1) & (whole >= _MANY)).fillna(False)
            found += _warn(
                *(_where(frame, lone, column.name, whole=whole), dataset, table.name),
                *(column.name, "lone_one"),
                f"«{column.vi}» chỉ là 1 trong {{whole:,}}; có phải đã gõ 100% (Excel lưu thành 1)? Hãy ghi số người",
            )
    return found


def _odd_money(dataset: Dataset) -> list[Problem]:
    """Warn of money typed in thousands or millions, or far from what its type has per head."""
    found = []
    for name in ("returns", "district"):
        frame = dataset.tables[name]
        if frame.empty:
            continue
        columns = dictionary().tables[name].columns
        money = {n: _floats(frame[n]) for n, c in columns.items() if c.type.name == "money"}
        last = _beside(frame, frame, *money, years_back=1)
        heads: dict[str, np.ndarray] = {}
        z = median = pd.DataFrame()
        if "unit_id" in frame:
            per_heads = {c.per for c in columns.values() if c.per}
            roster = _beside(frame, dataset.roster, "unit_type", *per_heads)
            heads = {n: _floats(roster[per]) for n in money if (per := columns[n].per)}
            heads = {n: _above_zero(head) for n, head in heads.items()}
            each = pd.DataFrame({n: money[n] / head for n, head in heads.items()}, frame.index)
            z, median = _robust_z(each, frame[["year"]].assign(unit_type=roster["unit_type"]))
        for column, amounts in money.items():
            held_against = [(_floats(last[column]), "năm trước")]
            if due := _DUE.get(column):
                held_against.append((money[due], f"«{columns[due].vi}»"))
            if column in heads:
                head = heads[column]
                usual = "mức mỗi người của các đơn vị cùng loại hình"
                held_against.append((median[column].to_numpy() * head, usual))
                held_against.append((head * columns[column].usual_per_head, "mức thường thấy"))
            told = np.zeros(len(frame), bool)
            for other, what in held_against:
                times = _above_zero(amounts) / _above_zero(other)
                far = ~told & ((times > _OTHER_UNIT) | (times < 1 / _OTHER_UNIT))
                told |= far
                rows = _where(frame, far, column, times=times, usual=other)
                found += _other_unit(dataset, name, columns[column], rows, what)
            if column in heads:
                odd = (z[column].abs() > _MAX_ROBUST_Z) & ~told
                rows = _where(frame, odd, column, each=each[column], median=median[column])
                found += _warn(
                    *(rows, dataset, name, column, "odd_money"),
                    f"«{columns[column].vi}» tính ra {{each:,.0f}} đồng mỗi người, khác xa các đơn vị cùng loại hình"
                    " (trung vị {median:,.0f}); hãy xem lại",
                )
    return found


def _other_unit(
    dataset: Dataset, table: str, column: Column, rows: pd.DataFrame, what: str
) -> list[Problem]:
    """Ask whether this amount, or what it is compared with, was typed in thousands or millions."""
    if rows.empty:
        return []
    times = rows["times"]
    size = np.log10(times).abs()
    unit = np.where(size < 4.5, "nghìn", "triệu")
    share = np.where(times < 1, "chỉ bằng khoảng một phần ", "gấp khoảng một ")
    times_said = np.where(times < 1, "", " lần")
    rows = rows.assign(unit=unit, share=share + unit + times_said)
    message = (
        f"«{column.vi}» {{share}} {what} ({{usual:,.0f}} đồng); có số gõ bằng {{unit}} đồng?"
        " Số tiền phải ghi bằng đồng"
    )
    return _warn(rows, dataset, table, column.name, "other_money_unit", message)


def _figures(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return what a table's rows say of a unit, without who it is and free text."""
    own = dictionary().tables[table]
    kinds = ("count", "money", "boolean") + (("word",) if table == "returns" else ())
    return frame[[n for n, c in own.columns.items() if c.type.name in kinds and n not in own.key]]


def _are_equal(one: pd.DataFrame, other: pd.DataFrame) -> pd.Series:
    """Tell in which rows all figures are equal and enough of them are above 0."""
    equal = (one.eq(other).fillna(False) | (one.isna() & other.isna())).all(axis=1)
    filled = (one.select_dtypes("Int64") > 0).sum(axis=1)
    return equal & (filled >= _LEAST_FIGURES)


def _same_as_last_year(dataset: Dataset) -> list[Problem]:
    """Warn of a return that repeats last year's figures."""
    returns = dataset.returns
    if not _follow(returns):
        return []
    same = _are_equal(
        _figures(returns, "returns"),
        _figures(_beside(returns, returns, years_back=1), "returns"),
    )
    return _warn(
        *(returns[same], dataset, "returns", "unit_id", "same_as_last_year"),
        "mọi số liệu của báo cáo này bằng đúng năm trước; có phải gửi lại báo cáo cũ?",
    )


def _twins(dataset: Dataset) -> list[Problem]:
    """Warn of two ids with the same name, commune and figures."""
    roster = dataset.roster
    key = roster["year"].astype(str) + "|" + roster["commune"] + "|" + roster["name"]
    rows = roster.assign(place=key.str.casefold())
    rows = rows[rows["place"].notna() & rows.duplicated("place", keep=False)]
    if rows.empty:
        return []
    both = _beside(rows, dataset.returns)
    first = pd.Series(rows.index, index=rows.index).groupby(rows["place"]).transform("first")
    everything = pd.concat([_figures(rows, "roster"), _figures(both, "returns")], axis=1)
    twins = everything.loc[first].set_axis(rows.index)
    same = _are_equal(everything, twins) & (rows.index != first)
    rows = rows.assign(first=rows.loc[first, "unit_id"].to_numpy())
    return _warn(
        *(rows[same], dataset, "roster", "unit_id", "twin"),
        "trùng tên, địa bàn và mọi số liệu với mã {first}; một đơn vị có hai mã thì bị tính hai lần",
    )


def _still_standing(dataset: Dataset) -> list[Problem]:
    """Warn of a unit that ended by its lineage while the register shows it as going on."""
    if not dataset.lineage["event"].isin(_ENDINGS).any():
        return []
    gone = _ended_by_lineage(dataset.lineage)
    roster = dataset.roster[dataset.roster["dissolved_on"].isna()]
    rows = roster.reset_index(names="row").merge(
        gone, how="inner", left_on="unit_id", right_on="predecessor_id"
    )
    rows = rows[(rows["year"] >= rows["date"].dt.year)].drop_duplicates("row").set_index("row")
    return _warn(
        *(
            rows.sort_index().drop(columns="date"),
            dataset,
            "roster",
            "dissolved_on",
            "still_standing",
        ),
        "biến động tổ chức ghi đơn vị này {what} ngày {day}, nhưng danh sách năm {year} chưa ghi"
        " ngày kết thúc hoạt động: còn đứng bên CĐCS nhận thì bị tính hai lần",
    )


def _ended_by_lineage(events: pd.DataFrame) -> pd.DataFrame:
    """Return the units that ended as a whole and did not begin again, with day and event."""
    kept = events["predecessor_id"].notna() & events["date"].notna()
    outgoing = events[kept & events["event"].isin(_ENDINGS)]
    went = outgoing["share"].fillna(1).groupby([outgoing["predecessor_id"], outgoing["date"]])
    ended = outgoing[went.transform("sum") > 1 - 1e-9]
    begun = events.groupby("successor_id")["date"].max()
    again = begun.reindex(ended["predecessor_id"]).set_axis(ended.index)
    stays = ended["predecessor_id"] == ended["successor_id"]
    ended = ended[~((again >= ended["date"]) | stays)].drop_duplicates(
        "predecessor_id", keep="last"
    )
    words = dictionary().words["event"]
    into = (" vào " + ended["successor_id"].astype("str")).where(ended["event"] == "merged", "")
    what = ended["event"].map(words).str.lower() + into
    day = ended["date"].dt.strftime("%d/%m/%Y")
    return ended[["predecessor_id", "date"]].assign(what=what, day=day)


def _odd_counts(dataset: Dataset) -> list[Problem]:
    """Warn of a count far from those of its own type in the same year."""
    found = []
    for name in ("roster", "returns"):
        frame = dataset.tables[name]
        if len(frame) < _MIN_DISTRIBUTION:
            continue
        typed = frame if "unit_type" in frame else _beside(frame, dataset.roster, "unit_type")
        groups = typed[["unit_type"]].assign(year=frame["year"])
        columns = dictionary().tables[name].columns
        counts = {n: _floats(frame[n]) for n, c in columns.items() if c.type.name == "count"}
        z, median = _robust_z(pd.DataFrame(counts, frame.index), groups)
        for column in counts:
            odd = z[column].abs() > _MAX_ROBUST_Z
            found += _warn(
                _where(frame, odd, column, median=median[column]),
                *(dataset, name, column, "odd_count"),
                f"«{columns[column].vi}» khác xa các đơn vị cùng loại hình (trung vị {{median:,.0f}}); hãy xem lại",
            )
    return found


def _robust_z(figures: pd.DataFrame, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return how far each figure is from the median of its type and year, and these medians."""
    groups = [frame["year"], frame["unit_type"]]
    by_group = figures.groupby(groups)
    median, count = by_group.transform("median"), by_group.transform("count")
    spread = (figures - median).abs().groupby(groups).transform("median")
    enough = (count >= _MIN_DISTRIBUTION) & (spread > 0)
    return (figures - median) / (spread * 1.4826).where(enough), median


def _sudden_changes(dataset: Dataset) -> list[Problem]:
    """Warn where members changed by more than half and no event explains it."""
    roster = dataset.roster.drop_duplicates(["year", "unit_id"])
    last = _beside(roster, roster, "members_total", years_back=1)["members_total"]
    jump = (roster["members_total"] - last).abs() * 2 > last
    events = dataset.lineage
    explained = {
        (int(year), unit)
        for column in ("predecessor_id", "successor_id")
        for year, unit in zip(events["date"].dt.year, events[column], strict=True)
        if pd.notna(unit) and pd.notna(year)
    }
    named = [pair in explained for pair in zip(roster["year"], roster["unit_id"], strict=True)]
    unexplained = (jump & (last > 0)).fillna(False) & ~np.array(named, dtype=bool)
    return _warn(
        *(roster[unexplained].assign(last=last[unexplained]), dataset, "roster"),
        *("members_total", "sudden_change"),
        "đoàn viên thay đổi trên 50% so với năm trước ({last:,}) mà không có biến động tổ chức nào",
    )


def _over_collection(dataset: Dataset) -> list[Problem]:
    found = []
    for name in ("returns", "district"):
        frame = dataset.tables[name]
        for collected, due in _DUE.items():
            over = (frame[collected] * 5 > frame[due] * 6) & (frame[due] > 0)
            rows, message = (
                frame[over.fillna(False)],
                f"thu trên 120% số phải thu ({{{due}:,}} đồng)",
            )
            found += _warn(rows, dataset, name, collected, "over_collection", message)
    return found


def _unknown_lineage(dataset: Dataset) -> list[Problem]:
    if "roster" in dataset.unread:
        return []
    known = pd.Index(dataset.roster["unit_id"].unique())
    found = []
    for column in ("predecessor_id", "successor_id"):
        ids = dataset.lineage[column]
        rows = dataset.lineage[ids.notna() & (known.get_indexer(ids) < 0)]
        message = "mã này không có trong danh sách CĐCS của năm nào"
        found += _warn(rows, dataset, "lineage", column, "unknown_lineage", message)
    return found


def find_variants(dataset: Dataset) -> list[Problem]:
    """Warn of communes and units whose name is written in several ways, within or between years.

    Once for each commune of a year, and for each unit whose name changed in spelling alone.
    """
    return [*_communes(dataset), *_names(dataset)]


def _communes(dataset: Dataset) -> list[Problem]:
    tables = {name: dataset.tables[name][["year", "commune"]].dropna() for name in PLACED}
    rows = pd.concat(tables, names=["table", "row"]).reset_index()
    same = {text: bare_place(text) for text in rows["commune"].unique()}
    # In a nation nearly every commune is written in one way, and is skipped.
    ways = Counter(same.values())
    rows = rows[rows["commune"].isin([text for text, bare in same.items() if ways[bare] > 1])]
    found: list[Problem] = []
    if rows.empty:
        return found
    for _, group in rows.groupby(rows["commune"].map(same)):
        before: set[str] = set()
        for year, own in group.groupby("year"):
            counts = own["commune"].value_counts(sort=False)
            # A town may become a commune between two years: only the spelling is compared.
            old = {loosely(text) for text in before}
            new = [text for text in counts.index if text not in before and loosely(text) in old]
            if new or len(counts) > 1:
                # Of the rarest spellings the one that came last is most likely wrong.
                odd = min(reversed(new or list(counts.index)), key=lambda text: int(counts[text]))
                table, row = own.loc[own["commune"] == odd, ["table", "row"]].iloc[0]
                listed = [f"{_quoted(text)} ({times} dòng)" for text, times in counts.items()]
                listed += [
                    f"{_quoted(text)} (năm trước)"
                    for text in sorted(before - {*counts.index})
                    if new
                ]
                message = (
                    f"có lẽ là một xã viết nhiều cách: {', '.join(listed)}; báo cáo coi là các xã khác"
                    " nhau, nếu là một thì hãy viết thống nhất"
                )
                file = dataset.files[table]
                found.append(_warning(file, int(row), "commune", odd, message, int(year)))
            before = set(counts.index)
    return found


def _names(dataset: Dataset) -> list[Problem]:
    """Warn of a unit or employer whose name differs from last year's in spelling alone."""
    found = []
    for table in PLACED:
        key = dictionary().tables[table].key[-1]
        rows = dataset.tables[table][["year", key, "name"]].dropna()
        if rows["year"].nunique() < 2:
            continue
        last = rows.assign(year=rows["year"] + 1).drop_duplicates(["year", key])
        both = rows.reset_index(names="row").merge(last, on=["year", key], suffixes=("", "_before"))
        other = both[both["name"] != both["name_before"]]
        for row, year, name, before in zip(
            *(other[column] for column in ("row", "year", "name", "name_before")), strict=True
        ):
            if loosely(name) == loosely(before):
                message = f"năm trước viết là {_quoted(before)}: có lẽ chỉ khác cách viết; hãy viết thống nhất"
                found.append(
                    _warning(dataset.files[table], int(row), "name", name, message, int(year))
                )
    return found


def _warning(file: str, row: int, column: str, value: str, message: str, year: int) -> Problem:
    return Problem("warning", "spelling_variants", file, row, column, value, message, year)


def _quoted(text: str) -> str:
    """Quote a name so that hidden signs in it can be seen."""
    return f"«{text}»" + (
        " có dấu cách thừa, ký tự ẩn hoặc chữ Đ lạ" if clean(text) != text else ""
    )


def find_old_communes(dataset: Dataset) -> list[Problem]:
    """Warn of rows under a commune that is no more."""
    events = dataset.tables["communes"]
    found: list[Problem] = []
    if events.empty:
        return found
    still = {bare_place(name) for name in events["new_name"]}
    gone = events[~events["old_name"].map(bare_place).isin(still)]
    gone = gone.assign(from_year=gone["date"].dt.year + (gone["date"].dt.month > LAST_MONTH))
    gone = gone.groupby("old_name").agg(
        date=("date", "min"), from_year=("from_year", "min"), new=("new_name", ", ".join)
    )
    for table in PLACED:
        rows = dataset.tables[table]
        names = {text: find_place(text, gone.index) for text in rows["commune"].dropna().unique()}
        rows = rows[rows["commune"].map(names).notna()]
        beside = gone.loc[rows["commune"].map(names)].set_axis(rows.index)
        old = rows["year"] >= beside["from_year"]
        found += row_problems(
            rows[old].assign(since=beside["date"], new=beside["new"]),
            dataset.files[table],
            "commune",
            code="old_commune",
            message="từ ngày {since:%d/%m/%Y} xã này thuộc: {new}; hãy ghi tên xã mới",
            is_error=False,
        )
    return found

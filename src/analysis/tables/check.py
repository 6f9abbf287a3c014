"""What must hold across the cells of a dataset, and what only deserves a second look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.problems import Problem, error
from analysis.tables.dictionary import PLACED, Column, Table, dictionary
from analysis.tables.files import TEXTS
from analysis.tables.load import Dataset, row_problems
from analysis.tables.writing import LAST_MONTH, bare_place, clean, find_place, loosely

#: Rows that a rule finds, with what the message names; table, column, code, message.
Found = tuple[pd.DataFrame, str, str, str, str]
Rule = Callable[[Dataset], Iterator[Found]]

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
_VARIANTS = "spelling_variants"
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
    return _apply([_unique_keys, _known_units, _parts_within_wholes], dataset)


def _apply(rules: Sequence[Rule], dataset: Dataset, *, is_error: bool = True) -> list[Problem]:
    problems = [
        problem
        for rule in rules
        for rows, table, column, code, message in rule(dataset)
        for problem in row_problems(
            rows, dataset.files[table], column, code=code, message=message, is_error=is_error
        )
    ]
    return dataset.locate(problems)


def _unique_keys(dataset: Dataset) -> Iterator[Found]:
    for table in dictionary().tables.values():
        frame = dataset.tables[table.name]
        key = list(table.key)
        repeated = frame[frame.duplicated(key, keep=False)]
        if repeated.empty:
            continue
        rows = repeated.reset_index(names="row").groupby(key, dropna=False)["row"]
        repeated = repeated.assign(first_row=rows.transform("first").to_numpy())
        repeated = repeated[repeated.index != repeated["first_row"]]
        message = f"trùng khóa ({', '.join(key)}) với dòng {{first_row}}"
        yield repeated, table.name, key[-1], "duplicate_key", message


def _known_units(dataset: Dataset) -> Iterator[Found]:
    if "roster" in dataset.unread:
        return  # its own errors are told already
    known = pd.MultiIndex.from_frame(dataset.roster[["year", "unit_id"]])
    message = "mã này không có trong danh sách CĐCS năm {year}"
    for name in ("returns", "employers"):
        frame = dataset.tables[name]
        named = frame[frame["unit_id"].notna()]
        absent = named[~pd.MultiIndex.from_frame(named[["year", "unit_id"]]).isin(known)]
        yield absent, name, "unit_id", "unknown_unit", message


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


def _parts_within_wholes(dataset: Dataset) -> Iterator[Found]:
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
            yield rows, table.name, column.name, "part_above_whole", _above_message(table, column)


def _above_message(table: Table, column: Column) -> str:
    tables = dictionary().tables
    whole = {**tables["roster"].columns, **table.columns}[column.at_most or ""]
    people = _ON_REGISTER if column.type.name == "count" else ""
    return f"«{column.vi}» lớn hơn «{whole.vi}» là {{limit:,}}{people}"


def check_oddities(dataset: Dataset) -> list[Problem]:
    """Warn of what deserves a second look, beside the rows of other units and years."""
    rules: list[Rule] = [
        *(_dates_in_order, _other_founding, _odd_counts, _lone_ones, _odd_money),
        *(_sudden_changes, _same_as_last_year, _twins, _over_collection),
        *(_unknown_lineage, _still_standing, _commune_variants, _name_variants, _old_communes),
    ]
    return _apply(rules, dataset, is_error=False)


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


def _dates_in_order(dataset: Dataset) -> Iterator[Found]:
    roster = dataset.roster
    rows = roster[roster["dissolved_on"] < roster["founded_on"]]
    message = "ngày kết thúc trước ngày thành lập {founded_on:%d/%m/%Y}"
    yield rows, "roster", "dissolved_on", "dates", message


def _other_founding(dataset: Dataset) -> Iterator[Found]:
    """Warn of a unit whose founding day differs from an earlier year's register."""
    roster = dataset.roster[dataset.roster["founded_on"].notna()].sort_values(["unit_id", "year"])
    before = roster["founded_on"].shift().where(roster["unit_id"] == roster["unit_id"].shift())
    other = before.notna() & (before != roster["founded_on"])
    rows = roster[other].assign(before=before[other]).sort_index()
    message = (
        "danh sách năm trước ghi thành lập ngày {before:%d/%m/%Y}; ngày và tháng có bị đảo không?"
    )
    yield rows, "roster", "founded_on", "other_founding", message


def find_lone_ones(dataset: Dataset) -> list[Problem]:
    """Warn of a 1 where most people are meant: Excel keeps a typed 100% as 1."""
    return _apply([_lone_ones], dataset, is_error=False)


def _lone_ones(dataset: Dataset) -> Iterator[Found]:
    for table in dictionary().tables.values():
        frame = dataset.tables[table.name]
        for column in table.columns.values():
            if not column.mostly or not (frame[column.name] == 1).any():
                continue
            most = str(column.at_most)
            whole = (frame if most in frame else _beside(frame, dataset.roster, most))[most]
            lone = ((frame[column.name] == 1) & (whole >= _MANY)).fillna(False)
            message = (
                f"«{column.vi}» chỉ là 1 trong {{whole:,}}; có phải đã gõ 100% (Excel lưu thành 1)?"
                " Hãy ghi số người"
            )
            rows = _where(frame, lone, column.name, whole=whole)
            yield rows, table.name, column.name, "lone_one", message


def _odd_money(dataset: Dataset) -> Iterator[Found]:
    """Warn of money typed in thousands or millions, or far from what its type has per head."""
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
                if not rows.empty:
                    yield (
                        _other_unit(rows),
                        name,
                        column,
                        "other_money_unit",
                        (
                            f"«{columns[column].vi}» {{share}} {what} ({{usual:,.0f}} đồng); có số gõ"
                            " bằng {unit} đồng? Số tiền phải ghi bằng đồng"
                        ),
                    )
            if column in heads:
                odd = (z[column].abs() > _MAX_ROBUST_Z) & ~told
                rows = _where(frame, odd, column, each=each[column], median=median[column])
                yield (
                    rows,
                    name,
                    column,
                    "odd_money",
                    (
                        f"«{columns[column].vi}» tính ra {{each:,.0f}} đồng mỗi người, khác xa các đơn"
                        " vị cùng loại hình (trung vị {median:,.0f}); hãy xem lại"
                    ),
                )


def _other_unit(rows: pd.DataFrame) -> pd.DataFrame:
    """Say beside each amount whether it, or what it is compared with, was typed in thousands or millions."""
    times = rows["times"]
    unit = np.where(np.log10(times).abs() < 4.5, "nghìn", "triệu")
    share = np.where(times < 1, "chỉ bằng khoảng một phần ", "gấp khoảng một ")
    return rows.assign(unit=unit, share=share + unit + np.where(times < 1, "", " lần"))


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


def _same_as_last_year(dataset: Dataset) -> Iterator[Found]:
    """Warn of a return that repeats last year's figures."""
    returns = dataset.returns
    if not _follow(returns):
        return
    same = _are_equal(
        _figures(returns, "returns"),
        _figures(_beside(returns, returns, years_back=1), "returns"),
    )
    message = "mọi số liệu của báo cáo này bằng đúng năm trước; có phải gửi lại báo cáo cũ?"
    yield returns[same], "returns", "unit_id", "same_as_last_year", message


def _twins(dataset: Dataset) -> Iterator[Found]:
    """Warn of two ids with the same name, commune and figures."""
    roster = dataset.roster
    key = roster["year"].astype(str) + "|" + roster["commune"] + "|" + roster["name"]
    rows = roster.assign(place=key.str.casefold())
    rows = rows[rows["place"].notna() & rows.duplicated("place", keep=False)]
    if rows.empty:
        return
    both = _beside(rows, dataset.returns)
    first = pd.Series(rows.index, index=rows.index).groupby(rows["place"]).transform("first")
    everything = pd.concat([_figures(rows, "roster"), _figures(both, "returns")], axis=1)
    twins = everything.loc[first].set_axis(rows.index)
    same = _are_equal(everything, twins) & (rows.index != first)
    rows = rows.assign(first=rows.loc[first, "unit_id"].to_numpy())
    message = (
        "trùng tên, địa bàn và mọi số liệu với mã {first}; một đơn vị có hai mã thì bị tính hai lần"
    )
    yield rows[same], "roster", "unit_id", "twin", message


def _still_standing(dataset: Dataset) -> Iterator[Found]:
    """Warn of a unit that ended by its lineage while the register shows it as going on."""
    if not dataset.lineage["event"].isin(_ENDINGS).any():
        return
    gone = _ended_by_lineage(dataset.lineage)
    roster = dataset.roster[dataset.roster["dissolved_on"].isna()]
    rows = roster.reset_index(names="row").merge(
        gone, how="inner", left_on="unit_id", right_on="predecessor_id"
    )
    rows = rows[(rows["year"] >= rows["date"].dt.year)].drop_duplicates("row").set_index("row")
    message = (
        "biến động tổ chức ghi đơn vị này {what} ngày {day}, nhưng danh sách năm {year} chưa ghi"
        " ngày kết thúc hoạt động: còn đứng bên CĐCS nhận thì bị tính hai lần"
    )
    standing = rows.sort_index().drop(columns="date")
    yield standing, "roster", "dissolved_on", "still_standing", message


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


def _odd_counts(dataset: Dataset) -> Iterator[Found]:
    """Warn of a count far from those of its own type in the same year."""
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
            yield (
                _where(frame, odd, column, median=median[column]),
                name,
                column,
                "odd_count",
                (
                    f"«{columns[column].vi}» khác xa các đơn vị cùng loại hình (trung vị"
                    " {median:,.0f}); hãy xem lại"
                ),
            )


def _robust_z(figures: pd.DataFrame, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return how far each figure is from the median of its type and year, and these medians."""
    groups = [frame["year"], frame["unit_type"].fillna("")]
    figures = figures.copy()
    figures[frame["unit_type"].isna().to_numpy()] = np.nan  # not in the register
    by_group = figures.groupby(groups)
    median, count = by_group.transform("median"), by_group.transform("count")
    spread = (figures - median).abs().groupby(groups).transform("median")
    enough = (count >= _MIN_DISTRIBUTION) & (spread > 0)
    return (figures - median) / (spread * 1.4826).where(enough), median


def _sudden_changes(dataset: Dataset) -> Iterator[Found]:
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
    rows = roster[unexplained].assign(last=last[unexplained])
    message = (
        "đoàn viên thay đổi trên 50% so với năm trước ({last:,}) mà không có biến động tổ chức nào"
    )
    yield rows, "roster", "members_total", "sudden_change", message


def _over_collection(dataset: Dataset) -> Iterator[Found]:
    for name in ("returns", "district"):
        frame = dataset.tables[name]
        for collected, due in _DUE.items():
            over = (frame[collected] * 5 > frame[due] * 6) & (frame[due] > 0)
            message = f"thu trên 120% số phải thu ({{{due}:,}} đồng)"
            yield frame[over.fillna(False)], name, collected, "over_collection", message


def _unknown_lineage(dataset: Dataset) -> Iterator[Found]:
    if "roster" in dataset.unread:
        return
    known = pd.Index(dataset.roster["unit_id"].unique())
    message = "mã này không có trong danh sách CĐCS của năm nào"
    for column in ("predecessor_id", "successor_id"):
        ids = dataset.lineage[column]
        rows = dataset.lineage[ids.notna() & (known.get_indexer(ids) < 0)]
        yield rows, "lineage", column, "unknown_lineage", message


def _commune_variants(dataset: Dataset) -> Iterator[Found]:
    """Warn of communes written in several ways, once a year; a town that became one is no variant."""
    tables = {name: dataset.tables[name][["year", "commune"]].dropna() for name in PLACED}
    rows = pd.concat(tables, names=["table", "row"]).reset_index()
    same = {text: bare_place(text) for text in rows["commune"].unique()}
    # In a nation nearly every commune is written in one way, and is skipped.
    ways = Counter(same.values())
    rows = rows[rows["commune"].isin([text for text, bare in same.items() if ways[bare] > 1])]
    for _, group in rows.groupby(rows["commune"].map(same)):
        before: set[str] = set()
        for _, own in group.groupby("year"):
            counts = own["commune"].value_counts(sort=False)
            old = {loosely(text) for text in before}
            new = [text for text in counts.index if text not in before and loosely(text) in old]
            if new or len(counts) > 1:
                # Of the rarest spellings the one that came last is most likely wrong.
                odd = min(reversed(new or list(counts.index)), key=lambda text: int(counts[text]))
                listed = [f"{_quoted(text)} ({times} dòng)" for text, times in counts.items()]
                if new:
                    earlier = sorted(before - {*counts.index})
                    listed += [f"{_quoted(text)} (năm trước)" for text in earlier]
                first = own[own["commune"] == odd].iloc[:1].assign(listed=", ".join(listed))
                yield (
                    first.set_index("row"),
                    first["table"].iloc[0],
                    "commune",
                    _VARIANTS,
                    (
                        "có lẽ là một xã viết nhiều cách: {listed}; báo cáo coi là các xã khác nhau,"
                        " nếu là một thì hãy viết thống nhất"
                    ),
                )
            before = set(counts.index)


def _name_variants(dataset: Dataset) -> Iterator[Found]:
    """Warn of a unit or employer whose name differs from last year's in spelling alone."""
    for table in PLACED:
        key = dictionary().tables[table].key[-1]
        rows = dataset.tables[table][["year", key, "name"]].dropna()
        last = rows.assign(year=rows["year"] + 1).drop_duplicates(["year", key])
        both = rows.reset_index(names="row").merge(last, on=["year", key], suffixes=("", "_before"))
        both = both[both["name"] != both["name_before"]].set_index("row")
        both = both[both["name"].map(loosely) == both["name_before"].map(loosely)]
        rows = both.assign(before=both["name_before"].map(_quoted))
        message = "năm trước viết là {before}: có lẽ chỉ khác cách viết; hãy viết thống nhất"
        yield rows, table, "name", _VARIANTS, message


def _quoted(text: str) -> str:
    """Quote a name so that hidden signs in it can be seen."""
    hidden = " có dấu cách thừa, ký tự ẩn hoặc chữ Đ lạ" if clean(text) != text else ""
    return f"«{text}»{hidden}"


def _old_communes(dataset: Dataset) -> Iterator[Found]:
    """Warn of rows under a commune that is no more."""
    events = dataset.tables["communes"]
    if events.empty:
        return
    still = {bare_place(name) for name in events["new_name"]}
    gone = events[~events["old_name"].map(bare_place).isin(still)]
    gone = gone.assign(from_year=gone["date"].dt.year + (gone["date"].dt.month > LAST_MONTH))
    gone = gone.groupby("old_name").agg(
        date=("date", "min"), from_year=("from_year", "min"), new=("new_name", ", ".join)
    )
    message = "từ ngày {since:%d/%m/%Y} xã này thuộc: {new}; hãy ghi tên xã mới"
    for table in PLACED:
        rows = dataset.tables[table]
        names = {text: find_place(text, gone.index) for text in rows["commune"].dropna().unique()}
        rows = rows[rows["commune"].map(names).notna()]
        beside = gone.loc[rows["commune"].map(names)].set_axis(rows.index)
        old = rows["year"] >= beside["from_year"]
        since = rows[old].assign(since=beside["date"], new=beside["new"])
        yield since, table, "commune", "old_commune", message

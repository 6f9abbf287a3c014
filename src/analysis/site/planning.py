"""Which pages a site should have, what each is made from, and why one is to be made again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.findings.finding import is_comparable
from analysis.language import load_language
from analysis.pages.fragments import area_page
from analysis.pages.template import TEMPLATE
from analysis.problems import InputError, error, printable
from analysis.reports import area, unit
from analysis.reports.area import AREA_SCOPES
from analysis.reports.base import Report
from analysis.results import write_table
from analysis.site.ledger import (
    INDICATORS,
    YEAR_PAGE,
    Layout,
    PageRecord,
    Parts,
    hash_text,
    hash_value,
    read_details,
    read_pages,
    read_record,
    shared_inputs,
    unit_page,
)
from analysis.site.notebooks import Source, read_sources
from analysis.study import Study
from analysis.tables.dictionary import dictionary
from analysis.tables.writing import harmless

#: What the command line calls the year's own page.
YEAR = "year"
_INPUTS_VI = {
    "code": "mã chương trình congdoan",
    "data": "bộ số liệu",
    "description": "mô tả bộ số liệu (dataset.yaml, dictionary.yaml)",
    "district": "số liệu toàn huyện hiện trên trang",
    "figures": "số liệu của chính đơn vị (hay địa bàn)",
    "language": "câu chữ (params/lang)",
    "libraries": "phiên bản Python và thư viện",
    "links": "liên kết tới trang khác: đơn vị kề bên, năm khác, nơi đến và nơi đi",
    "notebook": "sổ tay",
    "peers": "số liệu của các đơn vị cùng loại hình",
    "pictures": "hình đặt cạnh sổ tay",
    "plan": "tệp kế hoạch",
    "settings": "tham số",
    "tasks": "nhiệm vụ và kết quả nhiệm vụ",
    "template": "mẫu trang",
    "words": "ghi chú và lời văn do người viết",
    "years_beside": "các năm đặt bên cạnh",
}
_PARTS_VI = {
    "bytes": "cách ghi tệp số liệu",
    "indicators": "bảng chỉ tiêu (indicators)",
    "texts": "lời văn (texts)",
}
#: Inputs whose parts are told as they are; of the others it is told which part differs.
_IN_CLEAR = ("settings", "libraries", "years_beside")
#: How many parts or indicators are named, and how long each may be.
_MOST, _LONGEST = 5, 120


@dataclass(frozen=True)
class Page:
    """A page that the site should have."""

    link: str  # from the site's folder
    name: str  # who it is about
    source: Source
    given: dict[str, str]  # the notebook's parameters beside the settings
    inputs: dict[str, str]  # the hashes of what it is made from, by name
    has_return: bool = True  # whether the unit has reported

    @property
    def label(self) -> str:
        """What a person calls it: a unit's id, else who it is about."""
        return self.given.get("unit_id", self.name)


def check_asked(study: Study, units: Sequence[str] | None) -> None:
    """Refuse what cannot be made.

    Raises
    ------
    InputError
        If nobody has to report that year, or naming every unit that has not.
    """
    year = study.params.year
    expected = study.expected_units(year)
    if expected.empty:
        known = ", ".join(map(str, study.dataset.years))
        message = f"không có CĐCS nào phải báo cáo trong năm này; dữ liệu có các năm: {known}"
        raise InputError([error(message, code="no_year", column="year", value=year)])
    unknown = [unit_id for unit_id in units or () if unit_id not in expected.index]
    if unknown:
        registered = set(study.register.loc[year].index)
        message_for = {
            True: f"CĐCS này có trong danh sách năm {year} nhưng không thuộc diện phải báo cáo",
            False: f"không có CĐCS này trong danh sách năm {year}",
        }
        raise InputError(
            error(message_for[name in registered], code="no_unit", column="unit_id", value=name)
            for name in unknown
        )


def indicators_csv(study: Study) -> str:
    """Return the year's indicator table as it is published."""
    buffer = io.StringIO()
    table = study.compute([study.params.year])
    table["scope_id"] = table["scope_id"].cat.rename_categories(harmless)
    write_table(table, buffer)
    return buffer.getvalue()


def with_surroundings(study: Study, layout: Layout) -> Study:
    """Return the study with what its pages may know of the folder around them.

    That is the latest earlier table of the same edition, plan and data, and the years whose sites
    lie beside this one.
    """
    kept = [path for path in layout.editions.glob("*.csv") if is_comparable(study, path)]
    found = {"previous": max(map(str, kept), default="")}
    return study.with_params(layout.place(study.params).model_copy(update=found))


def plan_pages(
    study: Study,
    sources: Sequence[Source],
    template: Path = TEMPLATE,
    only: Collection[str] | None = None,
) -> tuple[dict[str, Page], dict[str, Parts]]:
    """Return the pages of the year's site, the year's own first, and what their hashes were made of.

    The study has the surroundings of the site's folder in its settings. ``only`` names the links to
    look at.
    """
    year, settings = study.params.year, study.params.model_dump()
    details: dict[str, Parts] = {}

    def put(given: dict[str, Parts]) -> dict[str, str]:
        hashed = {name: hash_value(parts) for name, parts in given.items()}
        details.update(zip(hashed.values(), given.values(), strict=True))
        return hashed

    # Which years' sites lie beside this one changes a page only where it links them.
    beside = {"years": ", ".join(map(str, settings.pop("years_beside")))}
    shared = put(shared_inputs(study.params, study.root, sources[0].path.parent, template))
    of_notebook = {
        source: shared
        | {"notebook": hash_text(source.text)[:16]}
        | put({"settings": {k: _show(v) for k, v in settings.items() if k in source.names}})
        for source in sources
    }

    def find_read(source: Source, opened: Callable[[], Report]) -> dict[str, str]:
        """Return the hashes of the figures that a page may show."""
        is_plain = source.is_plain and source is not for_year
        if is_plain or source.reads is not None:
            with suppress(Exception):  # the page's own cell will say what is wrong
                told = opened().digests()
                return told if is_plain else told | may_read(source.reads)
        return may_read(None)

    def may_read(reads: Sequence[str] | None) -> dict[str, str]:
        return put({"data": _hash_data(study, reads), "years_beside": beside})

    for_year, for_unit, for_area = sources
    pages: dict[str, Page] = {}

    def add(
        link: str, name: str, source: Source, opened: Callable[[], Report], **more: Any
    ) -> None:
        if only is None or link in only:
            inputs = of_notebook[source] | find_read(source, opened)
            pages[link] = Page(link, name, source, inputs=inputs, **more)

    add(YEAR_PAGE, f"Trang năm {year}", for_year, lambda: Report(study, year), given={})
    for unit_id, row in study.expected_units(year).iterrows():
        key = str(unit_id)
        more = {"given": {"unit_id": key}, "has_return": bool(row["has_return"])}
        add(unit_page(key), row["name"], for_unit, partial(unit, study, key, year), **more)
    for scope, scope_id in find_areas(study):
        given = {"scope": scope, "scope_id": scope_id}
        name, opened = study.name_parent(scope_id, year), partial(area, study, **given, year=year)
        add(area_page(scope, scope_id), name, for_area, opened, given=given)
    return pages, details


def _show(value: Any) -> str:
    """Return a setting as it may be told: nobody's folders stand in what is sent out."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{Path(text).name} ({hash_value(text)[:6]})" if Path(text).is_absolute() else text


def _hash_data(study: Study, reads: Sequence[str] | None) -> Parts:
    """Return a hash of each table that is named, or of each and of the dataset's very bytes."""
    dataset = study.dataset

    def hash_one(name: str) -> str:
        if name == "texts":
            return hash_value(sorted([*key, dict(said)] for key, said in dataset.texts.items()))
        table = study.table if name == "indicators" else dataset.tables[name]
        rows = pd.util.hash_pandas_object(table, index=False).to_numpy()
        return hash_value([list(table.columns), hash_text(rows.tobytes())])

    names = (*dataset.tables, "texts") if reads is None else reads
    parts = {name: study.remember(("hash", name), partial(hash_one, name)) for name in names}
    return parts if reads is not None else {**parts, "bytes": dataset.digest[:16]}


def find_areas(study: Study) -> list[tuple[str, str]]:
    """Return the areas that have a page: every commune, and every parent but the issuer itself."""
    units = study.expected_units(study.params.year)
    found = [(scope, str(key)) for scope in AREA_SCOPES for key in sorted(units[scope].unique())]
    return [pair for pair in found if pair != ("parent", study.plan.issuer.id)]


def explain_page(
    study: Study, out: Path, name: str, *, notebooks: Path | None = None, template: Path = TEMPLATE
) -> list[str]:
    """Tell in Vietnamese what a page was made from, what has changed, and what a run would do.

    Parameters
    ----------
    study, out
        The data of now, and the site's folder.
    name : str
        A unit's id, an area's link, or ``"year"`` for the year's own page.
    notebooks, template : Path, optional
        The folders of the notebooks and of the nbconvert template; the project's by default.

    Returns
    -------
    list of str
        Lines; of each input that differs, which parts of it do, or its hash before and now.

    Raises
    ------
    InputError
        If nobody of that name has to report that year.
    """
    check_asked(study, None)
    link = YEAR_PAGE if name == YEAR else name if "/" in name else unit_page(name)
    layout = Layout(out.resolve())
    sources = read_sources(notebooks or study.root / "notebooks")
    study = with_surroundings(study, layout)
    pages, details = plan_pages(study, sources, template, [link])
    if link not in pages:
        check_asked(study, [name])
    record = read_record(layout)
    page, before = pages[link], read_pages(record).get(link, PageRecord())
    title = f"{page.label} ({page.name})" if page.label != page.name else page.name
    if before.keep(page.inputs, layout).is_good:
        made_at = printable(str(before.made_at))
        return [f"{title}: trang còn đúng, lập lúc {made_at}; không làm lại."]
    lines = [f"{title}: lần chạy tới sẽ làm trang này, vì:"]
    if before.failure is not None:
        lines.append(f"  - lần trước bị lỗi: {before.failure}")
    elif before.page is None:
        lines.append("  - chưa có trang nào.")
    if before.page is not None and not before.is_there(layout):
        lines.append(f"  - tệp {before.page} đã bị xóa hoặc sửa sau khi lập.")
    known = read_details(record)
    for key in sorted({*before.inputs, *page.inputs}) if before.page is not None else ():
        old, new = (inputs.get(key) or "không có" for inputs in (before.inputs, page.inputs))
        if old == new:
            continue
        is_known = old in known and new in details
        told = _compare_parts(key, known[old], details[new]) if is_known else []
        told = told or (_compare_figures(study, page, layout) if key == "figures" else [])
        more = [f"và {len(told) - _MOST} thứ khác"] if len(told) > _MOST else []
        what = "; ".join([*told[:_MOST], *more]) or f"trước {old}, nay {new}"
        lines.append(f"  - {_INPUTS_VI.get(key, key)} ({key}): {what}")
    return [printable(line) for line in lines]


def _compare_parts(key: str, old: Parts, new: Parts) -> list[str]:
    """Name the parts of an input that differ."""
    known = {name: f"{table.vi} ({name})" for name, table in dictionary().tables.items()}
    names = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    told = []
    # Where a table differs its bytes do; they alone do where it is written otherwise.
    for name in [name for name in names if name != "bytes"] or names:
        shown = (_PARTS_VI | known).get(name, name)[:_LONGEST]
        if key in _IN_CLEAR:
            before, now = (parts.get(name, "không có")[:_LONGEST] for parts in (old, new))
            told.append(f"{shown}: trước {before}, nay {now}")
        else:
            change = " (mới)" if name not in old else " (không còn)" if name not in new else ""
            told.append(f"{shown}{change}")
    return told


def _compare_figures(study: Study, page: Page, layout: Layout) -> list[str]:
    """Name the page's indicators that differ from the table published in the site."""
    scope = page.given.get("scope", "unit")
    whose = (scope, page.given["unit_id" if scope == "unit" else "scope_id"])
    verdicts = load_language(study.params.lang, study.root).words["verdict"]

    def read(table: str) -> dict[str, str]:
        found = {}
        for row in csv.DictReader(table.splitlines()):
            if (row["scope"], row["scope_id"]) == whose:
                counts = [row[name] for name in ("numerator", "denominator") if row[name]]
                verdict = verdicts.get(row["verdict"], row["verdict"])
                figure = "/".join(counts) or row["value"] or "không có số"
                found[row["indicator"]] = f"{figure} ({verdict})"[:_LONGEST]
        return found

    try:
        before = read(layout.file(INDICATORS).read_text("utf-8-sig"))
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return []
    now = read(indicators_csv(study))
    return [
        f"{item.short}: trước {before[item.id]}, nay {now[item.id]}"
        for item in study.plan.catalogue()
        if item.id in before and item.id in now and before[item.id] != now[item.id]
    ]

"""Which pages a site should have, what each is made from, and which of them were asked for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from analysis.pages.fragments import area_page
from analysis.problems import InputError, error
from analysis.reports import UnitReport, area, unit
from analysis.reports.area import AREA_SCOPES, AreaReport
from analysis.site import digests
from analysis.site.layout import (
    AREA_NOTEBOOK,
    UNIT_NOTEBOOK,
    YEAR_NOTEBOOK,
    YEAR_PAGE,
    unit_page,
)
from analysis.site.notebooks import Source, parse_notebook, read_source
from analysis.site.templates import Template
from analysis.study import Study

_DIGITS = 16
# The cells of our own notebooks: a narrative is opened as the settings say, and its sections shown.
_LITERAL = r"""(?:"[^"\\\n]*"|'[^'\\\n]*'|-?[\d.]+|\[\]|\{\}|None|True|False)"""
_PARAMETERS = rf"(?:\w+ = {_LITERAL}\n?)+"
_LOAD = r"import analysis\s+study = analysis\.load\(\s*year(?:,\s*(\w+)=\1)*,?\s*\)\s+"
_OPENED = {
    UnitReport: r"report = analysis\.unit\(study, unit_id, year\)",
    AreaReport: r"report = analysis\.area\(study, scope, scope_id, year\)",
}


@dataclass(frozen=True)
class Page:
    """A page that the site should have.

    Attributes
    ----------
    link : str
        From the site's folder.
    key : str or None
        Its key in the ledger: a unit's id, an area's link; None for the year's own page.
    name : str
        Who it is about.
    source : Source
        The notebook.
    given : dict of str to str
        The notebook's parameters beside the settings.
    inputs : dict of str to str
        The hashes of what it is made from, by name.
    has_return : bool
        Whether the unit has reported.
    """

    link: str
    key: str | None
    name: str
    source: Source
    given: dict[str, str]
    inputs: dict[str, str]
    has_return: bool = True

    @property
    def label(self) -> str:
        """What a progress bar calls it."""
        return self.key or "trang năm"


#: Every page of a site by its key, the year's own by None.
Pages = dict[str | None, Page]


class Notebooks(NamedTuple):
    """The notebooks of a site."""

    year: Source
    unit: Source
    area: Source


def read_sources(folder: Path) -> Notebooks:
    """Read the notebooks.

    Raises
    ------
    InputError
        If one cannot be read or its parameters do not fit.
    """
    return Notebooks(
        read_source(folder / YEAR_NOTEBOOK, ["year"]),
        read_source(folder / UNIT_NOTEBOOK, ["unit_id", "year"]),
        read_source(folder / AREA_NOTEBOOK, ["scope", "scope_id", "year"]),
    )


def is_plain(text: str, kind: type[UnitReport] | type[AreaReport]) -> bool:
    """Tell whether a notebook does no more than open one narrative and show its sections.

    The narrative knows what it reads (`UnitReport.digests`). An analyst's own code may read
    anything: then every figure of the dataset counts as read, rather than a page being wrong in
    silence.

    Parameters
    ----------
    text : str
        The notebook's text.
    kind : type
        Whose narrative it is to open.
    """
    sections = "|".join(
        name
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if name[0] != "_" and list(inspect.signature(method).parameters) == ["self"]
    )
    ours = re.compile(rf"{_LOAD}{_OPENED[kind]}|report\.(?:{sections})\(\)")
    for cell in parse_notebook(text).cells:
        pattern = _PARAMETERS if "parameters" in cell.metadata.get("tags", []) else ours
        if cell.cell_type == "code" and not re.fullmatch(pattern, cell.source.strip()):
            return False
    return True


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


def plan_pages(
    study: Study, sources: Notebooks, template: Template, only: Collection[str] | None = None
) -> Pages:
    """Return the pages of the year's site, the year's own first.

    Parameters
    ----------
    study : Study
        The data, with the surroundings of the site's folder in its settings.
    sources : Notebooks
        The notebooks.
    template : Template
        The nbconvert template.
    only : collection of str, optional
        The units to look at; all that have to report by default.
    """
    year = study.params.year
    year_source, unit_source, area_source = sources
    shared = digests.shared_inputs(study.params, study.root, template)
    shared |= {"pictures": digests.hash_pictures(year_source.path.parent)}
    for_year, for_unit, for_area = (
        shared | digests.notebook_inputs(source.text, source.names, study.params)
        for source in sources
    )
    if not is_plain(unit_source.text, UnitReport):
        for_unit |= _anything(study)
    if not is_plain(area_source.text, AreaReport):
        for_area |= _anything(study)
    title = f"Trang năm {year}"
    pages: Pages = {
        None: Page(YEAR_PAGE, None, title, year_source, {}, for_year | _anything(study))
    }
    for unit_id, row in study.expected_units(year).iterrows():
        key = str(unit_id)
        if only is not None and key not in only:
            continue
        own = _own_inputs(study, partial(unit, study, key, year))
        made_of = for_unit | own
        given, is_there = {"unit_id": key}, bool(row["has_return"])
        pages[key] = Page(unit_page(key), key, row["name"], unit_source, given, made_of, is_there)
    for scope, scope_id in find_areas(study):
        link = area_page(scope, scope_id)
        if only is None or link in only:
            open_area = partial(area, study, scope, scope_id, year)
            given = {"scope": scope, "scope_id": scope_id}
            name = study.name_parent(scope_id, year)
            made_of = for_area | _own_inputs(study, open_area)
            pages[link] = Page(link, link, name, area_source, given, made_of)
    return pages


def find_areas(study: Study) -> list[tuple[str, str]]:
    """Return the areas that have a page: every commune, and every parent but the issuer itself."""
    units = study.expected_units(study.params.year)
    found = [(scope, str(key)) for scope in AREA_SCOPES for key in sorted(units[scope].unique())]
    return [pair for pair in found if pair != ("parent", study.plan.issuer.id)]


def _own_inputs(study: Study, open_report: Callable[[], UnitReport | AreaReport]) -> dict[str, str]:
    try:
        return open_report().digests()
    except Exception:
        # The page's own cell will say what is wrong; until it is known, anything may be in it.
        return _anything(study)


def _anything(study: Study) -> dict[str, str]:
    """Return the hashes of all that a page could show: the year's, and those of analysts' own code."""
    return {
        "data": study.dataset.digest[:_DIGITS],
        "years_beside": digests.hash_value(study.params.years_beside),
    }

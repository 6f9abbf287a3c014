"""Which pages a site should have, what each is made from, and which of them were asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from analysis.pages.fragments import area_page
from analysis.pages.template import TEMPLATE
from analysis.problems import InputError, error
from analysis.reports import area, unit
from analysis.reports.area import AREA_SCOPES
from analysis.reports.base import Report
from analysis.site.digests import hash_text, hash_value, shared_inputs
from analysis.site.layout import (
    AREA_NOTEBOOK,
    UNIT_NOTEBOOK,
    YEAR_NOTEBOOK,
    YEAR_PAGE,
    unit_page,
)
from analysis.site.notebooks import Source, parse_notebook, read_source
from analysis.study import Study

# The cells of our own notebooks: a narrative is opened as the settings say, and its sections shown.
_OURS = re.compile(
    r"import analysis\s+study = analysis\.load\(\s*year(?:,\s*(\w+)=\1)*,?\s*\)\s+"
    r"report = analysis\.(?:unit\(study, unit_id, year\)|area\(study, scope, scope_id, year\))"
    r"|report\.[a-z]\w*\(\)"
)
_PARAMETERS = re.compile(r"(?:\w+ = [^;(\n]*\n?)+")  # nothing is called, nothing read


@dataclass(frozen=True)
class Page:
    """A page that the site should have.

    Attributes
    ----------
    link : str
        From the site's folder.
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
    name: str
    source: Source
    given: dict[str, str]
    inputs: dict[str, str]
    has_return: bool = True

    @property
    def label(self) -> str:
        """What a person calls it: a unit's id, else who it is about."""
        return self.given.get("unit_id", self.name)


def read_sources(folder: Path) -> tuple[Source, Source, Source]:
    """Read the notebooks of the year, of a unit and of an area.

    Raises
    ------
    InputError
        If one cannot be read or its parameters do not fit.
    """
    return (
        read_source(folder / YEAR_NOTEBOOK, ["year"]),
        read_source(folder / UNIT_NOTEBOOK, ["unit_id", "year"]),
        read_source(folder / AREA_NOTEBOOK, ["scope", "scope_id", "year"]),
    )


def is_plain(text: str) -> bool:
    """Tell whether a notebook does no more than open one narrative and show its sections.

    The narrative knows what it reads (`Report.digests`). An analyst's own code may read anything:
    then every figure of the dataset counts as read, rather than a page being wrong in silence.
    """
    for cell in parse_notebook(text).cells:
        tags = cell.metadata.get("tags", [])
        ours = _PARAMETERS if "parameters" in tags else _OURS
        is_run = cell.cell_type == "code" and "skip-execution" not in tags
        if is_run and not ours.fullmatch(cell.source.strip()):
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
    study: Study,
    sources: Sequence[Source],
    template: Path = TEMPLATE,
    only: Collection[str] | None = None,
) -> dict[str, Page]:
    """Return the pages of the year's site by link, the year's own first.

    Parameters
    ----------
    study : Study
        The data, with the surroundings of the site's folder in its settings.
    sources : sequence of Source
        From `read_sources`.
    template : Path
        The nbconvert template's folder.
    only : collection of str, optional
        The links to look at; all by default.
    """
    year, settings = study.params.year, study.params.model_dump()
    # Which years' sites lie beside this one changes a page only where it links them.
    beside = settings.pop("years_beside")
    anything = {"data": study.dataset.digest[:16], "years_beside": hash_value(beside)}
    shared = shared_inputs(study.params, study.root, sources[0].path.parent, template)
    of_notebook = {
        source: {
            **shared,
            "notebook": hash_text(source.text)[:16],
            "settings": hash_value({k: v for k, v in settings.items() if k in source.names}),
        }
        for source in sources
    }
    for_year, for_unit, for_area = sources
    plain = {source for source in sources[1:] if is_plain(source.text)}
    pages: dict[str, Page] = {}

    def add(
        link: str, name: str, source: Source, opened: Callable[[], Report], **more: Any
    ) -> None:
        if only is not None and link not in only:
            return
        read = anything
        if source in plain:
            try:
                read = opened().digests()
            except Exception:  # the page's own cell will say what is wrong
                read = anything
        pages[link] = Page(link, name, source, inputs=of_notebook[source] | read, **more)

    add(YEAR_PAGE, f"Trang năm {year}", for_year, lambda: Report(study, year), given={})
    for unit_id, row in study.expected_units(year).iterrows():
        key = str(unit_id)
        more = {"given": {"unit_id": key}, "has_return": bool(row["has_return"])}
        add(unit_page(key), row["name"], for_unit, partial(unit, study, key, year), **more)
    for scope, scope_id in find_areas(study):
        given = {"scope": scope, "scope_id": scope_id}
        name, opened = study.name_parent(scope_id, year), partial(area, study, **given, year=year)
        add(area_page(scope, scope_id), name, for_area, opened, given=given)
    return pages


def find_areas(study: Study) -> list[tuple[str, str]]:
    """Return the areas that have a page: every commune, and every parent but the issuer itself."""
    units = study.expected_units(study.params.year)
    found = [(scope, str(key)) for scope in AREA_SCOPES for key in sorted(units[scope].unique())]
    return [pair for pair in found if pair != ("parent", study.plan.issuer.id)]

"""Which pages a site should have, what each is made from, and which of them were asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from analysis.problems import InputError, error
from analysis.reports import unit
from analysis.site import inputs
from analysis.site.layout import UNIT_NOTEBOOK, YEAR_NOTEBOOK, YEAR_PAGE, unit_page
from analysis.site.notebooks import Source, read_source
from analysis.site.reads import is_plain
from analysis.site.templates import Template
from analysis.study import Study

_DIGITS = 16


@dataclass(frozen=True)
class Page:
    """A page that the site should have.

    Attributes
    ----------
    link : str
        From the site's folder.
    unit_id : str or None
        None for the year's own page.
    name : str
        Who it is about.
    source : Source
        The notebook.
    inputs : dict of str to str
        The hashes of what it is made from, by name.
    has_return : bool
        Whether the unit has reported.
    """

    link: str
    unit_id: str | None
    name: str
    source: Source
    inputs: dict[str, str]
    has_return: bool = True

    @property
    def label(self) -> str:
        """What a progress bar calls it."""
        return self.unit_id or "trang năm"


#: Every page of a site by unit id, the year's own by None.
Pages = dict[str | None, Page]


class Sources(NamedTuple):
    """The notebooks of a site."""

    year: Source
    unit: Source


def read_sources(folder: Path) -> Sources:
    """Read the notebooks.

    Raises
    ------
    InputError
        If one cannot be read or its parameters do not fit.
    """
    return Sources(
        read_source(folder / YEAR_NOTEBOOK, ["year"]),
        read_source(folder / UNIT_NOTEBOOK, ["unit_id", "year"]),
    )


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
    study: Study, sources: Sources, template: Template, only: Collection[str] | None = None
) -> Pages:
    """Return the pages of the year's site, the year's own first.

    Parameters
    ----------
    study : Study
        The data, with the surroundings of the site's folder in its settings.
    sources : Sources
        The notebooks.
    template : Template
        The nbconvert template.
    only : collection of str, optional
        The units to look at; all that have to report by default.
    """
    year = study.params.year
    year_source, unit_source = sources
    shared = inputs.shared_inputs(study.params, study.root, template)
    for_year, for_unit = (
        shared | inputs.notebook_inputs(source.text, source.names, study.params)
        for source in (year_source, unit_source)
    )
    if not is_plain(unit_source.text):
        for_unit |= _anything(study)
    title = f"Trang năm {year}"
    pages: Pages = {None: Page(YEAR_PAGE, None, title, year_source, for_year | _anything(study))}
    for unit_id, row in study.expected_units(year).iterrows():
        key = str(unit_id)
        if only is not None and key not in only:
            continue
        own = _own_inputs(study, key)
        pages[key] = Page(
            unit_page(key), key, row["name"], unit_source, for_unit | own, bool(row["has_return"])
        )
    return pages


def _own_inputs(study: Study, unit_id: str) -> dict[str, str]:
    try:
        return unit(study, unit_id, study.params.year).digests()
    except Exception:
        # The page's own cell will say what is wrong; until it is known, anything may be in it.
        return _anything(study)


def _anything(study: Study) -> dict[str, str]:
    """Return the hashes of all that a page could show: the year's, and those of analysts' own code."""
    return {
        "data": study.dataset.digest[:_DIGITS],
        "years_beside": inputs.hash_value(study.params.years_beside),
    }

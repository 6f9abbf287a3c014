"""How a study shows itself in JupyterLab: what is in it, what is missing, what to ask next."""

from __future__ import annotations

from analysis.exploring.answers import lacking
from analysis.exploring.names import language_of
from analysis.pages.fragments import render
from analysis.study import Study

_QUESTIONS = (
    ("find", '"{commune}"'),
    ("board", "{year}"),
    ("results", 'year={year}, scope="district"'),
    ("missed", '"{indicator}", by="unit"'),
    ("trend", '"{indicator}"'),
    ("outliers", "{year}"),
    ("missing", "{year}"),
    ("tasks", '{year}, state="overdue"'),
    ("needed", ""),
)


def describe(study: Study) -> str:
    """Return the HTML of a study's card."""
    language = language_of(study)
    described, numbers = study.dataset.description, language.numbers
    notes = [
        language.ui("illustrative") if described.illustrative else "",
        language.ui("assumed") if study.is_assumed else "",
        ""
        if study.params.year in study.dataset.years
        else language.told("no_data", study.params.year),
    ]
    years = []
    for year in study.dataset.years:
        units = study.expected_units(year)
        incomplete = units.index.isin(lacking(study, year)["scope_id"].unique())
        years.append(
            {
                "year": year,
                "expected": numbers.count(len(units)),
                "received": numbers.count(int(units["has_return"].sum())),
                "incomplete": numbers.count(int((units["has_return"] & incomplete).sum())),
            }
        )
    year = max(
        (y for y in study.dataset.years if y <= study.params.year), default=study.params.year
    )
    missed = study.results(year=year, scope="district", verdict="not_met")
    commune = study.register["commune"].iloc[-1]
    first = str(missed["indicator"].iloc[0]) if len(missed) else study.plan.indicators[0].id
    return render(
        "card",
        title=study.plan.title,
        facts=[
            (language.told("data"), described.name or study.params.data),
            (language.told("edition"), language.ui(study.params.edition)),
        ],
        notes=[note for note in notes if note],
        years=years,
        heads=[language.told(name) for name in ("year", "expected", "received", "incomplete")],
        ask_next=language.told("ask_next"),
        questions=[
            (
                f"study.{name}({given.format(year=year, indicator=first, commune=commune)})",
                language.told(name),
            )
            for name, given in _QUESTIONS
        ],
    ).html

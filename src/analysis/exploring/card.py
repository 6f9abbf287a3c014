"""How a study shows itself in JupyterLab: what is in it, what is missing, what to ask next."""

from __future__ import annotations

from analysis.exploring.answers import lacking
from analysis.language import load_language
from analysis.pages.fragments import render
from analysis.study import Study

_QUESTIONS = (
    ('study.find("khe sanh")', "tìm CĐCS"),
    ("study.board({year})", "CĐCS × chỉ tiêu"),
    ('study.results(year={year}, scope="district")', "kết quả toàn địa bàn"),
    ('study.missed("{indicator}", by="unit")', "ai còn thiếu bao nhiêu"),
    ('study.trend("{indicator}")', "qua các năm"),
    ("study.outliers({year})", "số liệu khác thường"),
    ("study.missing({year})", "ai chưa báo cáo gì"),
    ('study.tasks({year}, state="overdue")', "nhiệm vụ quá hạn"),
    ("study.needed()", "còn cần bao nhiêu để đạt"),
)


def describe(study: Study) -> str:
    """Return the HTML of a study's card."""
    language = load_language(study.params.lang, study.root)
    described, numbers = study.dataset.description, language.numbers
    notes = [
        language.ui("illustrative") if described.illustrative else "",
        language.ui("assumed") if study.is_assumed else "",
        ""
        if study.params.year in study.dataset.years
        else f"Chưa có số liệu năm {study.params.year}",
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
    first = str(missed["indicator"].iloc[0]) if len(missed) else study.plan.indicators[0].id
    return render(
        "card",
        title=study.plan.title,
        facts=[
            ("Số liệu", described.name or study.params.data),
            ("Bản", language.ui(study.params.edition)),
        ],
        notes=[note for note in notes if note],
        years=years,
        questions=[(code.format(year=year, indicator=first), what) for code, what in _QUESTIONS],
    ).html

"""An analyst's questions: what each answers, what is refused, and that nothing is silent."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from conftest import sample
from datasets import random_tables, write_tables
from test_site_kit import END, make_notebook, make_page, make_task, needs_fork, write_template

import analysis
from analysis.exploring.controls import controls
from analysis.figures.charts import path
from analysis.language import load_language
from analysis.problems import InputError
from analysis.store.log import create_store
from analysis.study import Study
from analysis.tables import check
from analysis.tables.check import check_oddities
from analysis.tables.dictionary import dictionary

VIETNAMESE = re.compile(r"[ăâđêôơưàáảãạèéẻẽẹìíỉĩịòóỏõọùúủũụỳýỷỹỵ\u1ea0-\u1ef9]", re.IGNORECASE)


@pytest.fixture(scope="module")
def study():
    return sample()


@pytest.fixture(scope="module")
def english():
    return sample(lang="en")


@pytest.fixture(scope="module")
def table(study):
    return analysis.indicators(study, [2024])


def refused(ask) -> str:
    with pytest.raises(InputError) as caught:
        ask()
    return str(caught.value)


def test_a_change_is_rounded_as_on_a_page(study):
    """There 80,05 less 75 is 5,05 points; floats make it a little less."""
    rows = study.trend("informed_all").assign(change=0.8005 - 0.75)
    assert "+5,1" in rows._repr_html_()
    assert "+5,0" not in rows._repr_html_()


def test_results_are_the_indicator_table_with_names(study, table):
    rows = study.results(year=2024)
    assert len(rows) == len(table)
    for column in ("numerator", "denominator", "expected", "missing"):
        assert rows[column].sum() == table[column].sum()
    assert rows["name"].notna().all()
    assert rows["title"].notna().all()
    order = [item.id for item in study.plan.catalogue()]
    assert list(rows["indicator"].cat.categories) == order


def test_each_filter_keeps_what_it_names(study):
    for item in study.plan.catalogue():
        assert set(study.results(year=2024, indicator=item.id)["title"]) <= {item.title}
    rows = study.results(year=[2023, 2024], commune=["lao bao", "Khe Sanh"], verdict="not_met")
    assert set(rows["commune"]) == {"Lao Bảo", "Khe Sanh"}
    assert set(rows["scope"]) == {"unit"}


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (lambda s: s.results(year=1999), "2022, 2023, 2024, 2025"),
        (lambda s: s.results(scope="comune"), "commune"),
        (lambda s: s.results(indicator="informd_all"), "informed_all"),
        (lambda s: s.results(verdict="nt_met"), "not_met"),
        (lambda s: s.results(commune="Khe San"), "Khe Sanh"),
        (lambda s: s.results(unit="DN-DABN"), "DN-DABAN"),
        (lambda s: s.results(unit_type="fdi"), "fdi_enterprise"),
        (lambda s: s.board(2031), "2025"),
        (lambda s: s.board(2024, show="verdct"), "verdict"),
        (lambda s: s.missed("cadres_trained", by="comune"), "commune"),
        (lambda s: s.trend("informed_all", of="Khe San"), "Khe Sanh"),
        (lambda s: s.trend("informed_all", basis="same-perimeter"), "same_perimeter"),
        (lambda s: s.compare(2023, 2024, basis="same"), "same_perimeter"),
        (lambda s: s.compare("DN-DABAN", "DN-NUICAM", by="unit"), "hai năm"),
        (lambda s: s.compare(2023, 2024, of="DN-DABAN", by="unit"), "một trong hai"),
        (lambda s: s.tasks(2024, state="qua hn"), "overdue"),
        (lambda s: s.assume({("DN-DABAN", "informd"): 1}), "informed"),
        (lambda s: analysis.indicators(s, by=["xa"]), "commune"),
        (lambda s: analysis.indicators(s, years=[1999]), "2022"),
        (lambda s: analysis.compare(s, 2023, 2024, basis="same-perimeter"), "same_perimeter"),
        (lambda s: s.sources("DN-DABAN"), "kho"),
        (lambda s: s.board([2023, 2024]), "một năm"),
        (lambda s: s.outliers(...), "một năm"),
        (lambda s: s.missed(["cadres_trained"]), "một chỉ tiêu"),
        (lambda s: s.missed("cadres_trained", by=["unit"]), "một cách gộp"),
        (lambda s: s.results(commune=[]), "chưa nêu xã nào"),
        (lambda s: s.results(yaer=2024), "year, scope"),
        (lambda s: s.results(indicator=...), "chỉ tiêu"),
        (lambda s: s.trend("informed_all", of=5), "Khe Sanh"),
        (lambda s: s.trend(None), "một chỉ tiêu"),
        (lambda s: s.find(None), "ngoặc kép"),
        (lambda s: s.compare(2023), "compare(one, other"),
        (lambda s: analysis.compare(s, 2023, 2024, by="xa"), "commune"),
        (lambda s: analysis.unit(s, "DN-DABN", 2024), "DN-DABAN"),
        (lambda s: analysis.area(s, "commune", "Khe San", 2024), "Khe Sanh"),
        (lambda s: analysis.year(s, 1999), "2022, 2023"),
        (lambda s: analysis.load("nay"), "2024"),
        (lambda s: analysis.plot.rates(5), "study.results"),
        (lambda s: analysis.plot.gaps(s.board(2024)), "study.missed"),
        (lambda s: s.results(verdict="không đạt"), "not_met"),
        (lambda s: s.compare(1999, 2024), "2022, 2023"),
        (lambda s: s.compare("DN-DABAN", 2024), "hai nơi"),
        (lambda s: s.compare(2023, 2024, year=2024), "không dùng «year»"),
        (lambda s: s.assume({("DN-DABAN", "grade"): "Hoàn thành tôt"}), "good (Hoàn thành tốt"),
        (lambda s: analysis.compare(s, 1999, 2024), "2022, 2023"),
        (lambda s: analysis.plot.board(s.board(2024, "gap")), "study.board"),
        (lambda s: analysis.plot.board(s.board(2024, "value")), "study.board"),
        (lambda s: analysis.plot.path(s), "path(study, indicator)"),
        (lambda s: analysis.plot.path(s.board(2024), "informed_all"), "path(study"),
        (lambda s: s.missed("grade_district"), "mức đặt ra"),
    ],
)
def test_what_is_unknown_is_refused_with_what_exists(study, ask, named):
    if named == "mức đặt ra":
        own = next(i for i in study.plan.catalogue() if i.over == "district")
        ask = lambda s: s.missed(own.id)  # noqa: E731
    assert named in refused(lambda: ask(study))


def test_what_is_meant_is_taken_however_it_is_written(study):
    assert study.board("2024").equals(study.board(2024.0))
    assert study.compare("2023", "2024").equals(study.compare(2023, 2024))
    one = study.results(year=2024)["year"].max()  # of numpy
    assert study.board(one).equals(study.board(2024))
    assert analysis.compare(study, "2023", one).equals(analysis.compare(study, 2023, 2024))
    assert analysis.load("2024").params.year == 2024
    assert study.board(2024, show="kết quả").equals(study.board(2024, show="value"))
    for by, told in (("commune", "xã"), ("unit", "CĐCS"), ("unit_type", "loai hinh")):
        assert study.missed("cadres_trained", by=told).equals(study.missed("cadres_trained", by=by))
    for item in study.plan.indicators:  # as boards and charts call it
        assert set(study.results(indicator=item.short)["indicator"]) <= {item.id}
    assert set(study.trend("informed_all", of="toàn địa bàn")["scope"]) == {"district"}
    kind = study.assume({("DN-DABAN", "unit_type"): "hop tac xa"}).cells("DN-DABAN", 2024)
    assert kind["unit_type"] == "cooperative"
    held = study.assume({("DN-DABAN", "conference_held"): "Không"}).cells("DN-DABAN", 2024)
    assert not held["conference_held"]
    unit = study.expected_units(2024).query("has_return").index[0]
    for given in (3.0, "3"):
        frame = pd.DataFrame({"unit_id": [unit], "informed": [given]})
        assert study.assume(frame).cells(unit, 2024)["informed"] == 3
    assert study.assume({(unit, "culture_held"): True}).cells(unit, 2024)["culture_held"]
    with pytest.raises(AttributeError, match="results"):
        _ = study.resuls
    assert "2031" in analysis.load(2031)._repr_html_()


def test_a_notebook_shows_an_error_as_one_line(study):
    with pytest.raises(InputError) as caught:
        study.board(1999)
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_a_table_is_made_long_with_pandas_own_call(study):
    rows = study.results(year=2024, scope="district")
    assert "figure" in rows.melt(id_vars=["title", "year"])


def test_an_empty_answer_says_why(study):
    rows = study.results(year=2024, commune="Xy", verdict="hidden")
    assert rows.empty
    assert "Xy" in rows._repr_html_()
    assert "kohecoten" in study.find("kohecoten")._repr_html_()
    told = study.results(year=2024, scope="district", unit="DN-DABAN")._repr_html_()
    assert re.search(r"Không kể «Toàn địa bàn» thì có \d+ dòng[.]", told)
    gap = study.missed("cadres_trained")
    assert "sau khi lọc" in gap[gap["lacking"] > 10**6]._repr_html_()


def test_a_communes_and_a_types_own_sum_are_found_by_its_name(study):
    for scope, name in (("commune", "Khe Sanh"), ("unit_type", "public_service")):
        rows = study.results(year=2024, scope=[scope, "unit"], **{scope: name})
        assert set(rows.loc[rows["scope"] == scope, "scope_id"]) == {name}
        units = study.results(year=2024, **{scope: name})
        assert len(rows[rows["scope"] == "unit"]) == len(units)


def test_indicators_takes_one_scope_by_name(study):
    by_name = analysis.indicators(study, [2024], by="commune")
    assert by_name.equals(analysis.indicators(study, [2024], by=["commune"]))


def test_the_board_counts_the_verdicts_of_the_table(study, table):
    board = study.board(2024).set_index("unit_id")
    wholes = ~table["indicator"].astype(str).str.contains(".", regex=False)
    units = table[(table["scope"] == "unit") & wholes]
    for verdict in ("met", "not_met", "undetermined"):
        counts = units[units["verdict"] == verdict]["scope_id"].astype(str).value_counts()
        assert (board[verdict] == counts.reindex(board.index, fill_value=0)).all()


def test_what_is_missed_is_held_by_those_below_the_bar(study):
    judged = study.results(year=2024, scope="district", verdict=["not_met", "met"])
    seen = 0
    for key in judged["indicator"]:
        try:
            units = study.missed(key, by="unit")
        except InputError:
            continue
        for by in ("commune", "unit_type"):
            assert study.missed(key, by=by)["lacking"].sum() == units["lacking"].sum()
        below = study.results(year=2024, indicator=key, scope="unit", verdict="not_met")
        assert set(units["scope_id"]) >= set(below["scope_id"])
        seen += len(units) > 0
    assert seen > 3


def test_a_trend_on_the_same_perimeter_is_that_of_compare(study):
    both = analysis.compare(study, 2024, 2025, basis="same_perimeter").set_index("indicator")
    last = study.trend("informed_all", basis="same_perimeter").iloc[-1]
    sides = both.loc["informed_all", ["before", "now"]]
    assert (last["before"], last["now"]) == pytest.approx(tuple(sides))


def test_two_units_two_communes_and_two_types_stand_side_by_side(study):
    for scope, one, other in (
        ("commune", "Khe Sanh", "Lao Bảo"),
        ("unit_type", "private_enterprise", "public_service"),
        ("unit", "DN-DABAN", "DN-NUICAM"),
    ):
        rows = study.compare(one, other, year=2024)
        heads = list(rows.shown().columns)
        for side, key in zip(("before", "now"), (one, other), strict=True):
            own = study.results(year=2024, scope=scope).set_index("scope_id")["name"]
            name = own[own.index == key].iloc[0]
            at = [n for n, column in enumerate(rows.columns) if column.startswith(side)]
            assert len(at) == 3
            assert all(name in heads[n] for n in at)
        rows = rows.set_index("indicator")
        for column, key in (("before", one), ("now", other)):
            own = study.results(year=2024, scope=scope)
            own = own[own["scope_id"] == key].set_index("indicator")["value"]
            assert (
                rows[column].dropna().equals(own.astype(float).dropna().rename(column))
                or (rows[column].dropna().to_numpy() == own.dropna().astype(float).to_numpy()).all()
            )


def test_missing_names_everybody_whose_return_lacks_something(study, table):
    wholes = ~table["indicator"].astype(str).str.contains(".", regex=False)
    lacking = table[(table["scope"] == "unit") & wholes & (table["missing"] > 0)]
    found = study.missing(2024).set_index("unit_id")
    assert set(found.index) == set(lacking["scope_id"].astype(str))
    counts = lacking["scope_id"].astype(str).value_counts()
    assert (found["indicators"] == counts.reindex(found.index)).all()


def test_what_is_needed_reaches_the_bar_and_one_less_does_not(study):
    from fractions import Fraction

    rows = study.needed().dropna(subset=["needed", "of_unknown"])
    assert len(rows)
    for row in rows.itertuples():
        district = study.results(year=2024, scope="district", indicator=row.indicator).iloc[0]
        target = study.plan.indicator(row.indicator).target_in(2024)
        whole = int(district["denominator"]) + int(row.of_unknown)
        for extra, reaches in ((0, True), (-1, False)):
            share = Fraction(int(district["numerator"]) + int(row.needed) + extra, whole)
            assert (
                share > target.minimum if target.is_strict else share >= target.minimum
            ) is reaches
    rows = study.needed("new_members", 2023)
    bar = study.plan.indicator("new_members").target_in(2023).minimum
    assert rows["needed"].tolist() == [bar - int(rows["value"].iloc[0])]
    (mean,) = study.needed("party_introduced").itertuples()
    asked = mean.reported + mean.missing
    assert (round(mean.lower * asked) + mean.needed) / asked == 1
    assert (study.needed(year=2022)["breakeven"].dropna() <= 1).all()


def test_assumed_figures_change_the_verdicts_and_nothing_else(study):
    unit = study.results(year=2024, indicator="informed_enterprise", scope="unit", verdict="met")[
        "scope_id"
    ].iloc[0]
    before = study.dataset.returns.copy()
    other = study.assume({(unit, "informed"): 0})
    changed = other.difference()
    assert (unit, "not_met") in set(zip(changed["scope_id"], changed["now_verdict"], strict=True))
    assert study.dataset.returns.equals(before)
    frame = pd.DataFrame({"unit_id": [unit], "informed": [0]})
    assert study.assume(frame).difference().equals(changed)
    assert study.assume({}).difference().empty
    assert "Giả định" in other.results(year=2024, scope="district")._repr_html_()


def test_what_pandas_makes_of_assumed_figures_says_so(study):
    true, rows = study.results(year=2024), study.assume({}).results(year=2024)
    by = rows.groupby("verdict", observed=True)
    keys, value = ["year", "indicator", "scope", "scope_id"], ["value"]
    for made in (
        by.size(), by["value"].mean(), by[value].mean(), by.agg(n=("value", "size")),
        by["value"].agg(["mean", "size"]), by["value"].transform("mean"),
        rows.groupby("name").head(1), rows["value"], rows["verdict"].value_counts(),
        rows[["scope", "verdict"]].value_counts(), rows.describe(), rows["value"] * 100,
        rows.merge(true[[*keys, "value"]], on=keys), true.merge(rows[[*keys, "value"]], on=keys),
        pd.concat([rows, true]), pd.concat([true, rows]), true[value] - rows[value],
        true["value"] - rows["value"], true[value].join(rows[["lower"]]),
        rows.pivot_table(index="name", columns="verdict", values="value", observed=True),
        rows.query("value > 0.5").nlargest(3, "value").set_index("name")["value"].to_frame().T,
        rows.iloc[0],
    ):  # fmt: skip
        assert "Giả định" in made._repr_html_()
    assert "Giả định" not in true.merge(true[[*keys, "value"]], on=keys)._repr_html_()


def test_no_page_is_made_of_assumed_figures(study):
    other = study.assume({})
    assert "giả định" in refused(lambda: analysis.year(other, 2024))
    assert "giả định" in refused(lambda: analysis.unit(other, "DN-DABAN", 2024))
    report, assumed = analysis.year(study, 2024), other.trend("informed_all")
    for what in (assumed, assumed[["year", "value"]], analysis.plot.trends(assumed)):
        assert "giả định" in refused(lambda: report.show(what, title="Thử"))  # noqa: B023


@needs_fork
def test_what_pandas_takes_the_mark_from_is_refused_on_a_page(tmp_path):
    """Where a page is made nothing can be assumed: what is made of it needs no mark."""
    what = "study.assume({}).results(year=2024)"
    ways = [
        f"{what}.groupby('name').size()",
        f"{what}['verdict'].value_counts()",
        f"pandas.crosstab({what}['scope'], {what}['verdict'])",
        f"pandas.DataFrame({what})",
        "study.needed()",
    ]
    cells = (
        f"import analysis, pandas\nstudy, got = analysis.load(2024), []\nfor ask in {ways}:\n"
        "    try:\n        got.append(eval(ask))\n    except analysis.InputError:\n        pass",
        f"assert got == []\n{ways[0]}",
    )
    result = make_page(make_task(make_notebook("year = 0", *cells, END), write_template(tmp_path)))
    assert result.html is None
    assert "giả định" in str(result.failure)


def test_what_if_is_asked_before_the_first_return(study):
    """An office's first weeks: it has a register, and nobody has sent anything."""
    tables = study.dataset.tables | {"returns": study.dataset.returns.iloc[:0]}
    office = Study(study.params, study.plan, replace(study.dataset, tables=tables), study.root)
    changed = office.assume({("DN-DABAN", "informed"): 0}).difference()
    assert ("DN-DABAN", "not_met") in set(
        zip(changed["scope_id"], changed["now_verdict"], strict=True)
    )
    assert "chưa nơi nào" in refused(
        lambda: analysis.plot.rates(office.results(year=2024, indicator="informed_all"))
    )
    tables = study.dataset.tables | {"tasks": study.dataset.tables["tasks"].iloc[:0]}
    silent = Study(study.params, study.plan, replace(study.dataset, tables=tables), study.root)
    assert "không có bảng nhiệm vụ" in silent.tasks(2024)._repr_html_()


@pytest.mark.parametrize("cell", ["x", -1, 1.5, 10**9])
def test_an_assumed_figure_is_checked_as_a_reported_one(study, cell):
    refused(lambda: study.assume({("DN-DABAN", "informed"): cell}))


def test_the_tables_are_not_written_into(study):
    def write() -> None:
        study.dataset.returns.loc[0, "informed"] = 1

    def write_column() -> None:
        study.dataset.roster["workers_total"] = 1

    def drop() -> None:
        del study.dataset.returns["informed"]

    def write_result() -> None:
        study.table["value"] = 0

    for attempt in (
        write, write_column, drop, write_result,
        lambda: study.dataset.returns._update_inplace(study.dataset.returns.iloc[:0]),
        lambda: study.assume({}).table.insert(0, "x", 1),
    ):  # fmt: skip
        assert "study.assume" in refused(attempt)
    copy = study.dataset.returns.copy()
    copy["informed"] = 1  # a copy is the analyst's own


def test_answers_are_pandas_and_look_like_the_house(study):
    rows = study.results(year=2024, scope="district", indicator="informed_public")
    html = rows[["title", "value", "verdict"]]._repr_html_()
    assert "Kết quả" in html
    assert "✗ Chưa đạt" in html
    assert "%" in html
    assert "minh họa" in html
    assert "<script>" not in study.find("<script>")._repr_html_()


def test_columns_rows_and_sums_are_shown_as_the_answer_is(study):
    rows = study.results(year=2024, scope="commune", indicator="informed_all")
    means = rows.groupby("name")["value"].mean()
    assert isinstance(means, pd.Series)
    for one in (rows.set_index("name")["value"], means, means.to_frame()):
        html = one._repr_html_()
        assert re.search('<th style="[^"]*text-align:left[^"]*">Tên</th>', html)
        assert all(f">{name}<" in html for name in rows["name"])
        assert "Kết quả" in html
        assert "%" in html
    assert "Toàn địa bàn" in study.results(year=2024, scope="district").iloc[0]._repr_html_()
    counts = rows["verdict"].value_counts()
    assert "Số dòng" in counts._repr_html_()
    assert "%" not in counts._repr_html_()
    described = rows["value"].describe()._repr_html_()
    assert f">{len(rows)}<" in described


def test_a_boards_values_are_percents_where_they_are_shares(study):
    shown = study.board(2024, show="value").shown().melt()["value"]
    whole = study.board(2024, show="value")
    shares = [i.id for i in study.plan.catalogue() if i.is_fraction and i.id in whole]
    known = int(whole[shares].notna().sum().sum())
    assert shown.astype(str).str.fullmatch(r"\d+,\d+%").sum() == known > 0
    assert (
        not study.board(2024, show="gap")
        .shown()
        .astype(str)
        .apply(lambda column: column.str.contains("%"))
        .any(axis=None)
    )


def test_what_is_no_share_is_not_shown_in_percent(study):
    """Without a column that tells the indicator, a mean may be taken for a share: it is not."""
    both = study.results(scope="district", indicator=["informed_all", "party_introduced"])
    assert "%" not in both[["name", "value"]]._repr_html_()
    shown = both[["title", "value"]].shown()
    assert set(shown["Kết quả"].str.endswith("%")) == {True, False}


def test_whatever_pandas_makes_of_an_answer_can_be_shown(study):
    rows = study.results(year=2024, scope="commune").head(20)
    for made in (
        rows.astype(object).fillna(0),
        rows.isna(),
        rows.T,
        rows.assign(value=float("inf"), year="x"),
        rows.groupby("name")["name"].count(),
        pd.concat([rows, rows], axis=1),
        rows.assign(cut=pd.cut(rows["value"], 3), many=[[1]] * len(rows)),
        rows.pivot_table(index="name", columns=["scope", "verdict"], values="value", observed=True),
    ):
        assert "minh họa" in made._repr_html_()


def test_what_nears_the_bar_is_never_shown_as_the_bar(study):
    all_of_them = study.results(scope="unit", indicator="informed_public", verdict="not_met")
    assert set(all_of_them["target"]) == {">=1"}
    near = all_of_them.assign(value=1 - 1e-7)
    assert set(near.shown()["Kết quả"]) == {"99,99999%"}
    told = near[["name", "value", "target", "verdict"]].shown()  # as in the controls and the tour
    assert set(told["Kết quả"]) == {"99,99999%"}


def test_completion_knows_ids_and_the_module_its_functions(study):
    assert "DN-DABAN" in study.units._ipython_key_completions_()
    assert "informed_all" in study.indicators._ipython_key_completions_()
    assert {"load", "plot", "compare"} <= set(dir(analysis))
    assert not {"annotations", "Any", "ModuleType"} & set(dir(analysis))
    import pydoc

    text = pydoc.render_doc(analysis)
    assert all(name in text for name in ("load(", "compare(", "indicators("))


def test_a_study_shows_what_is_in_it(study):
    html = study._repr_html_()
    for year in study.dataset.years:
        assert f">{year}<" in html
    assert "minh họa" in html
    assert "study.find" in html
    assert repr(study) == "Study(data/sample, 2022–2025, nq02-huong-hoa, internal)"


def test_every_table_of_illustrative_or_assumed_figures_says_so(study, tmp_path):
    assumed = study.assume({})
    for one, word in ((study, "minh họa"), (assumed, "Giả định")):
        tables = [analysis.indicators(one, [2024], "district"), analysis.compare(one, 2023, 2024)]
        for table in tables:
            html = table._repr_html_()
            assert word in html
            assert "✗ Chưa đạt" in html
            assert re.search(r"\d%", html)
        path = tables[0].save(tmp_path / "a.csv")
        assert word in path.read_text("utf-8-sig").splitlines()[0]


def test_words_of_the_program_are_told_in_words(study):
    rows = study.results(year=2024, scope=["district", "unit"]).shown()
    for name in ("Lưu ý", "Mức đặt ra", "Lộ trình"):
        assert not rows[name].str.contains("[a-z]_|yes|good|carried|unbounded|>=").any()
    grade = study.results(year=2023, scope="district", indicator="district_grade")
    assert grade.shown()["Kết quả"].tolist() == ["Hoàn thành xuất sắc nhiệm vụ"]
    odd = study.outliers(2024)
    counts = odd[odd["reason"].str.contains("trung vị")]["reason"]
    assert counts.str.match(r"[\d.]+: «").any()


def test_an_answer_and_its_columns_are_saved(study, tmp_path):
    rows = study.results(year=2024, scope="unit", indicator="informed_all")
    path = rows.save(tmp_path / "a.xlsx", sheet="Năm 2024: [tuyên truyền] của từng công đoàn cơ sở")
    assert [
        int(year) for year in pd.read_excel(path, header=1, engine="openpyxl")["Năm"].unique()
    ] == [2024]
    means = rows.groupby("commune")["value"].mean().save(tmp_path / "b.xlsx")
    assert list(pd.read_excel(means, header=1, engine="openpyxl").columns) == [
        "Xã, thị trấn",
        "Kết quả",
    ]
    for ending in ("xlsx", "csv"):
        told = refused(lambda: rows.save(tmp_path / "none" / f"a.{ending}"))  # noqa: B023
        assert "không có tệp hoặc thư mục này" in told


def test_a_pivot_of_shares_is_in_percent(study):
    rows = study.results(scope="commune", indicator=["informed_all", "new_members"])
    for wide in (
        rows.query("indicator == 'informed_all'").pivot(
            index="name", columns="year", values="value"
        ),
        rows.pivot_table(
            index=["title", "name"], columns="year", values="value", observed=True
        ).tail(9),
        rows.pivot_table(index="name", columns="indicator", values="value", observed=True)[
            ["informed_all"]
        ],
    ):
        cells = wide.shown().iloc[:, wide.index.nlevels :].stack()
        assert cells[cells != ""].str.fullmatch(r"\d+,\d+%").all()
    counts = rows.pivot_table(index="name", columns="year", values="value", aggfunc="count")
    assert "%" not in counts._repr_html_()


def test_the_share_edition_answers_with_what_may_be_shared(study):
    shared, exact = sample("share"), study
    hidden = shared.results(year=2024, scope="unit")
    known = exact.results(year=2024, scope="unit")
    assert hidden["value"].isna().sum() > known["value"].isna().sum()
    assert "nội bộ" in refused(lambda: shared.assume({}))
    assert "nội bộ" in refused(lambda: shared.trend("informed_all", basis="same_perimeter"))
    assert len(shared.board(2024)) == len(exact.board(2024))
    assert shared.tasks(2024)["state"].notna().all()
    told = shared.tasks(2024, unit="LDLD-HUONG-HOA").shown()["Trạng thái"]
    assert set(told) <= set(load_language("vi", study.root).words["task_state"].values())


def test_every_chart_says_what_its_figures_are(study):
    assumed = study.assume({})
    for one, word in ((study, "minh họa"), (assumed, "Giả định")):
        figures = [
            analysis.plot.rates(one.results(year=2024, scope="district")),
            analysis.plot.trends(one.trend("informed_all")),
            analysis.plot.gaps(one.missed("cadres_trained", by="unit")),
            analysis.plot.board(one.board(2024), most=4),
            analysis.plot.path(one, next(i.id for i in one.plan.catalogue() if i.is_stage)),
            analysis.plot.distribution(
                one.results(year=2024, scope="unit", indicator="informed_all"), "DN-DABAN"
            ),
        ]
        for figure in figures:
            assert any(word in text.get_text() for text in figure.texts)
            assert figure.get_label().startswith("Biểu đồ")
    late = pd.DataFrame({"year": [2022, 2023, 2030], "value": [None, 0.6, None]})
    assert (
        path(late.assign(planned=[None, 0.6, 0.85])).get_label() == "Biểu đồ: 2023 60,0%; 2030 85%."
    )
    assert "Xy" in refused(
        lambda: analysis.plot.rates(study.results(commune="Xy", verdict="hidden"))
    )


@pytest.mark.parametrize("of_plan", ["plan_file", "other_plan_file"])
def test_every_question_is_answered_of_any_offices_data(of_plan, request, tmp_path):
    folder = write_tables(random_tables(5, units=14), tmp_path)
    plan = str(request.getfixturevalue(of_plan))
    other = analysis.load(2024, data=str(folder), plan=plan)
    year = other.dataset.years[-2]
    units = other.expected_units(year)
    unit, place = str(units.index[0]), str(units["commune"].iloc[0])
    answers = [
        other.find(unit),
        other.results(year=year, commune=place),
        other.board(year),
        other.board(year, show="gap"),
        other.outliers(year),
        other.missing(year),
        other.compare(year - 1, year, of=unit),
        other.compare(year - 1, year, basis="same_perimeter"),
        other.compare(unit, str(units.index[1]), year=year),
        other.tasks(year),
        other.needed(year=year),
        other.assume({(unit, "note"): "x"}, year=year).difference(),
        *(other.trend(item.id, of=[unit, place]) for item in other.plan.indicators[::3]),
    ]
    for item in other.plan.indicators:
        try:
            answers.append(other.missed(item.id, year=year))
        except InputError as refusal:
            assert "mức đặt ra" in str(refusal)  # noqa: PT017 - a plan decides which has a bar
    for one in answers:
        assert "minh họa" not in one._repr_html_()
        assert list(one.columns) == list(dict.fromkeys(one.columns))
    assert str(year) in other._repr_html_()
    wholes = {item.id for item in other.plan.indicators}
    assert set(other.board(year).columns) & wholes


def test_an_answer_is_kept_and_read_again_as_plain_pandas(study):
    rows = study.results(year=2024, scope="district")
    again = pickle.loads(pickle.dumps(rows))
    pd.testing.assert_frame_equal(again, rows)
    assert "Chỉ tiêu" in rows.copy()._repr_html_()


def test_an_unknown_column_is_refused_with_the_nearest(study):
    rows = study.results(year=2024, scope="district")
    for ask in (
        lambda: rows["verdct"],
        lambda: rows[["title", "verdct"]],
        lambda: rows.query("verdct == 'met'"),
        lambda: rows.eval("twice = verdct"),
        lambda: rows.groupby("verdct"),
        lambda: rows.sort_values(["title", "verdct"]),
        lambda: rows.set_index("verdct"),
        lambda: rows.drop(columns="verdct"),
        lambda: rows.agg({"verdct": "size"}),
        lambda: rows.groupby("title")["verdct"],
        lambda: rows.groupby("title")[["verdct"]],
        lambda: rows.groupby("title").agg({"verdct": "size"}),
        lambda: rows.groupby("title").agg(n=("verdct", "size")),
        lambda: rows.verdct,
        lambda: rows.loc[:, "verdct"],
        lambda: rows["Verdict"],
        lambda: rows.Verdict,
    ):
        assert "ý anh/chị là verdict?" in refused(ask)
    by_unit = study.board(2024).set_index("unit_id")
    assert "DN-DABAN" in refused(lambda: by_unit.loc["DN-DABN"])
    assert by_unit.loc["DN-DABAN", "met"] == by_unit["met"]["DN-DABAN"]
    with pytest.raises(KeyError):  # as pandas' own users expect
        rows["verdct"]
    with pytest.raises(NameError):
        rows.query("verdct == 'met'")
    assert rows.get("verdct") is None
    assert not hasattr(rows, "verdct")
    assert "ngoặc kép" in refused(lambda: rows.query("verdict == met"))


def test_a_query_takes_the_callers_names(study):
    rows, wanted = study.results(year=2024, scope="district"), "met"
    assert set(rows.query("verdict == @wanted")["verdict"]) == {wanted}
    assert "chưa đặt biến này" in refused(lambda: rows.query("verdict == @wantd"))
    assert rows.eval("verdict == @wanted").equals(rows["verdict"] == wanted)


def test_sources_name_file_and_row_of_every_figure(tmp_path):
    tables = random_tables(5, units=6, years=(2024,))
    create_store(write_tables(tables, tmp_path), "congdoan import")
    stored = analysis.load(2024, data=str(tmp_path))
    figures = tables["returns"][0]
    found = stored.sources(figures["unit_id"], 2024)
    own = found[found["file"] == "returns.csv"].set_index("column")["value_text"]
    for name, column in dictionary().tables["returns"].columns.items():
        if figures.get(name) and name not in ("year", "unit_id"):
            text = str(figures[name])
            answers = {"true": "Có", "false": "Chưa"} if column.type.name == "boolean" else {}
            words = dictionary().words.get(column.word_list, answers)
            assert own[column.vi] == words.get(text, text)
    assert (found.loc[found["value_text"] != "", "cell"] != "").all()


def test_the_language_of_the_study_is_that_of_what_its_cells_are_called(study, english):
    heads = {column.vi for t in ("roster", "returns") for column in _columns_of(t)}
    cells = set("; ".join(study.missing(2024)["cells"]).split("; "))
    there = set("; ".join(english.missing(2024)["cells"]).split("; "))
    assert cells <= heads
    assert len(there) == len(cells)
    assert not there & heads
    assert not set(english.outliers(2024)["title"]) & heads


def _columns_of(table):
    return dictionary().tables[table].columns.values()


def test_texts_stand_whole_and_a_bar_is_written_in_percent(study):
    missing = study.missing(2024)
    assert missing["cells"].iloc[0] in missing.iloc[:1]._repr_html_()
    shown = study.trend("informed_all").shown()
    assert shown["Mức đặt ra"].str.fullmatch(r"[>≥] \d+(,\d)?%").all()
    mean = study.results(year=2025, scope="district", indicator="party_introduced")
    assert mean.shown()["Mức đặt ra"].tolist() == ["≥ 1"]


@pytest.mark.parametrize("by", ["unit_type", "parent", "unit"])
def test_two_years_stand_side_by_side_at_every_scope(study, by):
    both = analysis.compare(study, 2023, 2024, by=by)
    order = [item.id for item in study.plan.catalogue()]
    assert list(both["indicator"].unique()) == [i for i in order if i in set(both["indicator"])]
    for side, year in (("before", 2023), ("now", 2024)):
        rows = analysis.indicators(study, [year], [by]).astype({"indicator": str, "scope_id": str})
        keys = ["indicator", "scope_id"]
        own = rows.set_index(keys)["value"].dropna()
        found = both.set_index(keys)[side].dropna()
        assert found.to_dict() == own.to_dict()
    counts = ["indicator", "before_reported", "now_reported"]
    same, whole = (
        analysis.compare(study, 2023, 2024, by=each, basis="same_perimeter")[counts]
        .groupby("indicator").sum().loc["informed_all"]
        for each in (by, "district")
    )  # fmt: skip
    assert (same == whole).all()


def test_an_english_study_answers_in_english(study, english):
    english_words = load_language("en", study.root).words
    unit = study.expected_units(2024).query("has_return").index[0]
    answers = [
        english.find("kohecoten"), english.results(year=2024, commune="Xy", verdict="hidden"),
        english.tasks(2024, unit=unit, state="kept"), english.board(2024, show="gap").iloc[:0],
        english.assume({}).difference(), english.trend("informed_all").iloc[:0],
        english.missing(2024).iloc[:0], english.outliers(2024).iloc[:0], english.needed().iloc[:0],
        english.missed("cadres_trained").iloc[:0], english.compare(2023, 2024).iloc[:0],
    ]  # fmt: skip
    told = [one._repr_html_() for one in answers]
    told += [re.sub("<tbody>.*</tbody>", "", english.results()._repr_html_()), *answers[0].columns]
    told += english.outliers(2024)["reason"].tolist()
    card = re.sub("<h3>.*</h3>|<code>.*?</code>|<p>Data: .*?[.]</p>", "", english._repr_html_())
    places = "|".join(map(re.escape, study.register["commune"].unique()))
    for text in [*told, card]:
        assert not VIETNAMESE.search(re.sub(places, "", text)), text
    for drawn in (
        analysis.plot.rates(
            english.results(year=2024, scope="unit_type", indicator="informed_all")
        ),
        analysis.plot.trends(english.trend("informed_all")),
    ):
        assert drawn.get_label().startswith(f"{english_words['asking']['chart']}: ")
        assert not VIETNAMESE.search(drawn.get_label().replace("Hướng Hóa", ""))
    chosen = controls(english).children
    assert not VIETNAMESE.search(" ".join(one.description for one in chosen[:5]))


def test_every_check_of_a_unit_has_its_english(study, english):
    """Those that a table of units can raise; the rest are of tables without a unit."""
    codes = {problem.code for problem in check_oddities(study.dataset)}
    known = set(load_language("en", study.root).words["oddities"])
    assert len(codes) > 3
    source = Path(check.__file__).read_text("utf-8")
    assert codes <= known
    assert all(f'"{code}"' in source for code in known)
    assert set(english.outliers(2024)["reason"]) != set(study.outliers(2024)["reason"])

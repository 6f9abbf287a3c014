"""The edition to share as its readers get it: pages, the index and the files beside them.

That nothing can be worked out from the redacted table is proved in ``test_redaction``; here stands
that pages say no more than that table, and say so honestly.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT, Run
from datasets import Tables, random_tables, write_tables
from shared import sample
from test_engine_kit import dataset_of
from test_pages_kit import START
from test_reports_kit import Node, Page, parse, unit_page, year_page
from test_site_kit import write_notebooks

import analysis
from analysis import Study
from analysis.cli import main
from analysis.findings.finding import find_in
from analysis.language import load_language, localise
from analysis.pages.index import render_index
from analysis.params import Params
from analysis.plan import load_plan
from analysis.redaction import redact
from analysis.redaction.published import kind_of
from analysis.reports.unit import UnitReport
from analysis.site.build import (
    build_site,
    keep_edition,
    note_shared,
    refuse_other_edition,
    with_surroundings,
)
from analysis.site.ledger import Layout, default_site
from analysis.site.run import Order
from analysis.tables.load import Dataset

YEAR = 2024
UNITS = ("DN-DABAN", "MN-LIA")
LANGUAGES = ("vi", "en")
WITHHELD = {"vi": "không nêu", "en": "withheld"}
EDITION = {"vi": ("Bản chia sẻ", "Nội bộ"), "en": ("Edition to share", "Internal")}


def told_in(lang: str, edition: Study) -> Study:
    """What is withheld does not depend on the language."""
    params = edition.params.model_copy(update={"lang": lang})
    return replace(edition, params=params, plan=localise(exact().plan, lang, ROOT))


@cache
def shared(lang: str) -> Study:
    return sample("share", lang)


def exact() -> Study:
    return sample()


@cache
def pages(lang: str) -> list[Page]:
    study = shared(lang)
    return [year_page(study, YEAR), *(unit_page(study, unit, YEAR) for unit in UNITS)]


def result_rows(page: Page) -> dict[str, str]:
    """The text of each indicator's row in the table of results."""
    rows = [row for row in page.part("results").all("tr") if row.all("a")]
    return {finding: row.text for finding, row in zip(page.report.findings, rows, strict=True)}


def flags_of(row: object) -> set[str]:
    return set(str(row.flags).split(";"))  # type: ignore[attr-defined]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_page_says_which_edition_it_is(lang: str) -> None:
    told, not_told = EDITION[lang]
    for page in pages(lang):
        assert told in page.tree.text, page
        assert not_told not in page.tree.text, page
        assert WITHHELD[lang] in page.part("method").text, page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_withheld_figure_reads_so_and_nothing_else(lang: str) -> None:
    seen = 0
    for page in pages(lang):
        rows, texts = page.rows, result_rows(page)
        truth = exact().rows(*page.whose, YEAR)
        for key, row in rows.items():
            if "hidden" not in flags_of(row):
                continue
            seen += 1
            true = truth[key]
            assert WITHHELD[lang] in texts[key], (page, key)
            pair = f"{true.numerator}/{true.denominator}"
            assert pd.isna(true.denominator) or pair not in texts[key], (page, key)
    assert seen > 10


@pytest.mark.parametrize("lang", LANGUAGES)
def test_all_withheld_verdicts_are_worded_alike(lang: str) -> None:
    """Why a verdict is withheld would hint at the count: near the bar, or few persons."""
    study = shared(lang)
    rows = [row for row in study.table.itertuples() if row.verdict == "hidden"]
    assert len({(row.scope, row.missing > 0) for row in rows}) > 4
    language = load_language(lang, ROOT)
    plan = study.plan.catalogue()
    by_id = {indicator.id: indicator for indicator in plan}
    told = set()
    for row in rows:
        assert (flags_of(row), row.trajectory) == ({"hidden"}, "")
        assert pd.isna([row.numerator, row.denominator, row.value, row.lower, row.upper]).all()
        told.add(language.say("sentence", find_in(study, by_id[row.indicator], row)))
    assert len(told) == 1, told


@pytest.mark.parametrize("lang", LANGUAGES)
def test_amounts_of_money_are_bands_and_rates_whole_percents(lang: str) -> None:
    seen = 0
    for page in pages(lang):
        for key, text in result_rows(page).items():
            if "banded" not in flags_of(page.rows[key]):
                continue
            seen += 1
            assert re.search("triệu|tỷ|million|billion", text), text
            assert not re.search(r"\d[,.]\d+ ?%", text.split(" 90%")[0]), text
    assert seen > 5


def test_a_hidden_count_of_the_register_is_not_called_missing() -> None:
    hidden = [u for u in shared("vi").expected_units(YEAR).index
              if "members_total" in shared("vi").hidden_columns(u, YEAR)]  # fmt: skip
    assert hidden
    facts = unit_page(shared("vi"), str(hidden[0]), YEAR).part("header").text
    assert "Đoàn viênKhông nêu" in facts
    assert "chưa báo cáo" not in facts


def test_the_district_counts_everybody_hidden_or_not() -> None:
    members = int(exact().expected_units(YEAR)["members_total"].sum())
    assert f"{members:,}".replace(",", ".") in pages("vi")[0].part("header").text


def with_a_large_shortfall(study: Study, key: str) -> Study:
    """The units with the most persons reached half of them: too many to be withheld."""
    rows = study.table[(study.table["indicator"] == key) & (study.table["year"] == YEAR)]
    units = rows[(rows["scope"] == "unit") & rows["denominator"].notna()]
    largest = units.sort_values("denominator")["scope_id"].tail(6)
    returns, (part,) = study.dataset.returns, study.plan.indicator(key).numerator
    here = (returns["year"] == YEAR) & returns["unit_id"].isin(largest)
    returns = returns.assign(**{part: returns[part].mask(here, returns[part] // 2)})
    changed = {**study.dataset.tables, "returns": returns}
    # Of this year alone: what other years withhold is proved of the sample itself.
    tables = {
        name: frame[frame["year"] == YEAR].reset_index(drop=True) if "year" in frame else frame
        for name, frame in changed.items()
    }
    dataset = replace(study.dataset, tables=tables)
    return Study(study.params, study.plan, dataset, study.root)


@cache
def large_shortfall() -> Study:
    return redact(with_a_large_shortfall(exact(), "informed_public"))


@cache
def page_of_a_large_shortfall(lang: str) -> Page:
    return year_page(told_in(lang, large_shortfall()), YEAR)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_gap_without_the_withheld_says_so(lang: str) -> None:
    page = page_of_a_large_shortfall(lang)
    partial = [gap for gap in page.report.gaps.values() if gap.is_partial and gap.units]  # type: ignore[union-attr]
    assert partial
    told = {"vi": "chưa kể CĐCS không nêu số liệu", "en": "not counting unions whose figures are"}
    assert page.part("year_results").text.count(told[lang]) >= len(partial)
    # It stands at the first sum: before any place or union that holds a part of it.
    by_title = {gap.finding.indicator.short: gap for gap in partial}
    count = 0
    for item in page.part("year_results").all("tr"):
        gap = by_title.get(item.all("a")[0].text) if item.all("a") else None
        if gap is None:
            continue
        (sub,) = item.all("span", cls="gap")
        before = sub.text.partition(told[lang])[0]
        parts = [name for name, _ in gap.communes]
        parts += [str(page.study.register.at[(YEAR, unit), "name"]) for unit, _ in gap.units]
        assert [name for name in parts if name in before] == [], sub.text
        assert re.findall(r"\d+", before) != [], sub.text
        count += 1
    assert count == len(partial)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_figure_of_a_gap_without_the_withheld_says_so_and_draws_what_is_shown(lang: str) -> None:
    page = page_of_a_large_shortfall(lang)
    study, figure = page.study, page.part("figure_gap")
    short = figure.one("figcaption").one("strong").text.partition(":")[0]
    key = next(item.id for item in study.plan.indicators if item.short == short)
    table = study.table[(study.table["scope"] == "commune") & (study.table["year"] == YEAR)]
    rows = table[(table["indicator"] == key) & table["value"].notna()]
    cells = [[c.text for c in row.all("th", "td")] for row in figure.all("tr")][1:]
    assert {row[0] for row in cells} == set(rows["scope_id"])
    caveat = {"vi": "chưa kể CĐCS không nêu số liệu", "en": "withheld"}[lang]
    assert caveat in figure.one("figcaption").text


def keep(study: Study, site: Path, **changes: object) -> None:
    """Publish a table with some columns changed, and put it aside as a later run would."""
    table = analysis.indicators(study, [YEAR]).assign(**changes)
    (site / "data").mkdir(parents=True)
    table.to_csv(site / "data" / "indicators.csv", index=False)
    about = {
        "edition": study.params.edition,
        "plan": {"id": study.plan.id, "version": study.plan.version},
        "dataset": {"name": study.dataset.description.name},
        "made_at": "2024-12-01T00:00:00+00:00",
    }
    (site / "ledger.json").write_text(json.dumps(about), "utf-8")
    keep_edition(Layout(site), "another table")


def restated(study: Study, site: Path) -> Node | None:
    part = analysis.year(with_surroundings(study, Layout(site)), YEAR).restated()
    return part and parse(part.html)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_changes_since_the_last_shared_edition_are_verdicts_on_units_alone(
    tmp_path: Path, lang: str
) -> None:
    """Two sums, or a verdict of then on one of them, tell what a single late return brought."""
    table = shared(lang).table
    other = table["verdict"].astype(object).map({"met": "not_met", "not_met": "met"})
    keep(shared(lang), tmp_path / "2024", numerator=1234)
    assert restated(shared(lang), tmp_path / "2024") is None
    verdicts = other[table["year"] == YEAR].fillna("undetermined").reset_index(drop=True)
    keep(shared(lang), tmp_path / "again" / "2024", verdict=verdicts, numerator=1234)
    part = restated(shared(lang), tmp_path / "again" / "2024")
    assert part is not None
    told = [item.text for item in part.all("li")]
    assert len(told) > 3
    open_titles = {i.title for i in shared(lang).plan.catalogue() if kind_of(i) == "open"}
    for text in told:
        title = max((t for t in open_titles if text.startswith(t)), key=len, default=None)
        assert title is not None, text
        assert not re.search(r"\d", text.removeprefix(title)), text
    assert "1.234" not in part.text


def test_an_edition_is_compared_with_nothing_but_its_own(tmp_path: Path) -> None:
    site = tmp_path / "2024"
    keep(exact(), site, numerator=1234)
    assert restated(exact(), site) is not None
    assert restated(shared("vi"), site) is None
    (kept,) = (tmp_path / "2024.editions").iterdir()
    given = shared("vi").with_params(shared("vi").params.model_copy(update={"previous": str(kept)}))
    assert analysis.year(given, YEAR).restated() is None  # nor if a notebook names it
    lines = kept.read_text("utf-8").splitlines(keepends=True)
    for first in ("", lines[0].replace("nq02", "nq03"), lines[0].replace("Dữ liệu", "Số liệu")):
        kept.write_text(first + "".join(lines[1:]), "utf-8")
        assert restated(exact(), site) is None, first


LEDGERS = {
    "internal": {"edition": "internal", "made_at": "2024-12-01T00:00:00+00:00"},
    "share": {"edition": "share", "made_at": "2024-12-01T00:00:00+00:00"},
    "none": None,
    "null": "null",
    "list": "[]",
    "deep": "[" * 100_000,
    "half": '{"edition": "sh',
    "unknown": {"edition": "public"},
}


@pytest.mark.parametrize("edition", ["internal", "share"])
@pytest.mark.parametrize("there", LEDGERS)
def test_a_folder_that_is_not_provably_of_this_edition_is_refused(
    tmp_path: Path, there: str, edition: str
) -> None:
    """Old pages, and the table that a new page is compared with, would give the figures away."""
    site, ledger = tmp_path / "2024", LEDGERS[there]
    (site / "cdcs").mkdir(parents=True)
    (site / "cdcs" / "DN-DABAN.html").write_text("Nội bộ", "utf-8")
    if ledger is not None:
        text = ledger if isinstance(ledger, str) else json.dumps(ledger)
        (site / "ledger.json").write_text(text, "utf-8")
    before = {path: path.read_bytes() for path in site.rglob("*.*")}
    study = {"internal": exact(), "share": shared("vi")}[edition]
    layout = Layout(site)
    if there == edition:
        refuse_other_edition(layout, edition)
        return
    with pytest.raises(analysis.InputError, match="thư mục này") as refused:
        build_site(study, site, Order(units=["DN-DABAN"], progress=False, start=START))
    assert [problem.code for problem in refused.value.problems] == ["other_edition"]
    assert {path: path.read_bytes() for path in site.rglob("*.*")} == before


def test_a_run_that_is_killed_at_once_leaves_a_folder_of_its_own_edition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("analysis.site.build.write_data", die)
    with pytest.raises(KeyboardInterrupt):
        build_site(shared("vi"), tmp_path / "2024", Order(progress=False, start=START))
    refuse_other_edition(Layout(tmp_path / "2024"), "share")
    with pytest.raises(analysis.InputError):
        refuse_other_edition(Layout(tmp_path / "2024"), "internal")
    # What a killed run leaves is an exact page too, where its ledger was removed with what is seen.
    for name, is_refused in ((".ledger.json.x.tmp", False), (".year.html.x.tmp", True)):
        (tmp_path / "left").mkdir(exist_ok=True)
        (tmp_path / "left" / name).touch()
        with pytest.raises(analysis.InputError) if is_refused else nullcontext():
            refuse_other_edition(Layout(tmp_path / "left"), "share")


@pytest.mark.parametrize(
    "place",
    [
        "/",
        "~",
        ".",
        "..",
        "data",
        "data/sample",
        "data/sample/new",
        "params",
        "params/plan",
        "store",
        "site",
    ],
)
@pytest.mark.parametrize("edition", ["internal", "share"])
def test_no_site_is_made_among_tables_settings_or_in_a_home(
    tmp_path: Path, place: str, edition: str
) -> None:
    study = {"internal": exact(), "share": shared("vi")}[edition]
    out = Path(place).expanduser() if place in "/~" else ROOT / place
    if place == "store":
        (tmp_path / "kho").mkdir()
        out = tmp_path / "kho"
        (out / "store.sqlite").touch()
        (out / "ledger.json").write_text(json.dumps({"edition": edition}), "utf-8")
    if place == "site":  # exact pages, or their notebooks, would be sent with the site around them
        out = tmp_path / "2024" / "cdcs" / "nội bộ"
        (tmp_path / "2024").mkdir()
        (tmp_path / "2024" / "ledger.json").touch()
    with pytest.raises(analysis.InputError) as refused:
        build_site(study, out, Order(progress=False, start=START))
    assert [problem.code for problem in refused.value.problems] == ["bad_place"]


# --- A second edition of a year ----------------------------------------------------------------


def small_tables() -> Tables:
    return random_tables(3, units=5, years=(2023, 2024))


def corrected(dataset: Dataset, year: int = YEAR) -> Dataset:
    """The largest count of a year put right."""
    roster = dataset.roster.copy()
    largest = roster.loc[roster["year"] == year, "workers_total"].idxmax()
    roster.loc[largest, "workers_total"] += 40
    return replace(dataset, tables={**dataset.tables, "roster": roster})


@cache
def small_edition(what: str = "") -> Study:
    """The edition to share of a small dataset: as it is, corrected in a year, or of another plan."""
    dataset = dataset_of(small_tables())
    other = load_plan(ROOT / "tests" / "plans" / "tinh.yaml")
    plan = other if what == "other plan" else exact().plan
    dataset = corrected(dataset, int(what)) if what.isdigit() else dataset
    return redact(Study(Params(year=YEAR, data="data", plan="-"), plan, dataset, ROOT))


def told_of(folder: Path, what: str = "", year: int = YEAR) -> Study:
    """The edition to share of tables that lie in a folder."""
    params = Params(year=year, data="data", plan="-")
    return replace(small_edition(what), params=params, root=folder)


def refused(study: Study, again: str = "") -> list[str]:
    try:
        note_shared(study, again, "2024-12-01T00:00:00+00:00")
    except analysis.InputError as failure:
        return [problem.code for problem in failure.problems]
    return []


def test_a_second_share_edition_of_a_year_needs_a_word(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir()
    noted = tmp_path / "data" / "shared.json"
    assert refused(told_of(tmp_path)) == []
    first = noted.read_bytes()
    assert refused(told_of(tmp_path)) == []  # the same edition, made again
    assert refused(told_of(tmp_path, year=2023)) == []  # what it has told already
    assert noted.read_bytes() == first
    for other in (
        told_of(tmp_path, "2024"),
        told_of(tmp_path, "2023"),  # a page shows earlier years too
        told_of(tmp_path, "other plan"),
    ):
        assert refused(other) == ["second_edition"]
        assert refused(other, "  ") == ["second_edition"]
        assert noted.read_bytes() == first
    assert refused(told_of(tmp_path, "2024"), "bản đầu chưa gửi") == []
    assert [entry["again"] for entry in json.loads(noted.read_bytes())] == ["", "bản đầu chưa gửi"]
    assert refused(told_of(tmp_path)) == []  # both are out now
    assert refused(told_of(tmp_path, "other plan")) == ["second_edition"]


def test_a_later_year_is_no_second_edition(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert refused(told_of(tmp_path, year=2023)) == []
    assert refused(told_of(tmp_path, "2024")) == []
    assert refused(told_of(tmp_path)) == ["second_edition"]


@pytest.mark.parametrize("text", ["", "null", "{}", "[1]", '[{"years": {}}]', "[" * 100_000])
def test_a_note_that_cannot_be_read_is_not_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "shared.json").write_text(text)
    study = told_of(tmp_path)
    assert refused(study) == ["shared_unreadable"]
    assert refused(study, "sổ bị hỏng") == []
    assert refused(study) == []


def test_nothing_is_noted_of_the_exact_edition(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    params = Params(year=YEAR, data="data", plan="-")
    assert refused(Study(params, exact().plan, dataset_of(small_tables()), tmp_path)) == []
    assert not list((tmp_path / "data").iterdir())


def test_the_command_refuses_a_second_edition_before_a_page_is_made(
    tmp_path: Path, congdoan: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A project with notebooks that show nothing.
    shutil.copytree(ROOT / "params", tmp_path / "params")
    write_notebooks(tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)
    data = write_tables(small_tables(), tmp_path / "data")
    words = ("report", "--year", YEAR, "--edition", "share", "--data", data, "--unit", "CD001")
    assert congdoan(*words, "--out", tmp_path / "a" / "2024").status == 0
    roster = pd.read_csv(data / "roster.csv", dtype=str)
    roster.loc[(roster["year"] == str(YEAR)).idxmax(), "workers_total"] = "999"
    roster.to_csv(data / "roster.csv", index=False)
    run = congdoan(*words, "--out", tmp_path / "b" / "2024")
    assert run.status == 1
    assert 'chạy lại với --again "lý do"' in run.err
    assert not (tmp_path / "b" / "2024").exists()
    assert congdoan("check", "--data", data, "--year", YEAR).err.count("shared.json") == 0
    # With a word the second one is made, and no page of the first one stays beside its pages.
    words = (*words[:-1], "CD002", "--out", tmp_path / "a" / "2024")
    assert congdoan(*words, "--again", "bản đầu chưa gửi").status == 0
    assert [p.name for p in (tmp_path / "a" / "2024" / "cdcs").iterdir()] == ["CD002.html"]


def test_the_index_ranks_nobody_by_what_is_withheld() -> None:
    study = shared("vi")
    units = study.expected_units(YEAR).index
    entries = [{"unit_id": u, "outcome": "published", "page": f"cdcs/{u}.html"} for u in units]
    html = render_index(study, {"units": entries})
    assert "Bản chia sẻ" in parse(html).text


def test_the_index_writes_rates_of_money_as_the_pages_do() -> None:
    for study, is_whole in ((shared("vi"), True), (exact(), False)):
        units = study.expected_units(YEAR).index
        entries = [{"unit_id": u, "outcome": "published", "page": f"{u}.html"} for u in units]
        html = render_index(study, {"units": entries})
        packed = json.loads(
            re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)[1]  # type: ignore[index]
        )["packed"]
        columns = json.loads(gzip.decompress(base64.b64decode(packed)))["indicators"]
        sortable = [i for i in study.plan.indicators if i.over == "units"]
        (place,) = [n for n, i in enumerate(sortable) if i.is_money and i.is_fraction]
        rates = [text for text, _ in columns[place]["shown"] if text.endswith("%")]
        assert len(rates) > 5
        assert all("," not in text for text in rates) == is_whole, rates


def test_the_editions_never_share_a_folder() -> None:
    folders = {default_site(study.params) for study in (exact(), shared("vi"))}
    assert folders == {Path("reports/2024"), Path("reports/share/2024")}


def test_the_table_of_the_edition_is_the_redacted_one() -> None:
    table = analysis.indicators(shared("vi"), [YEAR], ["district"])
    pd.testing.assert_frame_equal(table, shared("vi").compute([YEAR], ["district"]))
    assert table["flags"].str.contains("banded").any()
    empty = [analysis.compare(s, YEAR - 1, YEAR)["now"].isna() for s in (shared("vi"), exact())]
    assert empty[0].sum() > empty[1].sum()


def test_no_new_sums_of_an_edition_that_lacks_figures() -> None:
    with pytest.raises(analysis.InputError, match="bản chia sẻ không có đủ số liệu"):
        analysis.compare(shared("vi"), YEAR - 1, YEAR, basis="same_perimeter")


def test_unknown_edition_is_refused_in_vietnamese(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["report", "--year", "2024", "--edition", "public"])
    assert stop.value.code == 2
    told = "giá trị của --edition không dùng được; dùng một trong: internal, share"
    assert told in capsys.readouterr().err


def test_employers_without_a_union_are_named_for_the_office_alone() -> None:
    report = analysis.year(exact(), 2024)
    shown = report.employers_without_union()
    (finding,) = (f for f in report.wholes if f.indicator.measure == "share_of_employers")
    assert shown is not None
    assert shown.html.count('<th scope="row">') == finding.denominator - finding.numerator  # type: ignore[operator]
    assert analysis.year(shared("vi"), 2024).employers_without_union() is None


def test_nothing_is_called_most_or_least_where_a_withheld_figure_may_be() -> None:
    study = shared("vi")
    reports = [UnitReport(study, unit, YEAR) for unit in study.expected_units(YEAR).index]
    withheld = [any(f.is_hidden for f in report.missed) for report in reports]
    assert {*withheld} == {True, False}
    for report, is_withheld in zip(reports, withheld, strict=True):
        lead = report.summary().html
        assert not (is_withheld and re.search("nhiều nhất|gần đạt nhất|chỉ thiếu", lead, re.I))

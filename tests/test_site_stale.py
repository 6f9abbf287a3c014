"""Only what changed is made again, and a page that would look different is never taken for good."""

from __future__ import annotations

import csv
import json
import random
import re
import shutil
import subprocess
import sys
from ast import literal_eval
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pandas as pd
import pytest
from datasets import Tables, copied, random_tables, write_tables
from shared import sample
from test_site_kit import (
    END,
    make_notebook,
    make_study,
    needs_fork,
    write_notebooks,
    write_template,
)

from analysis import unit
from analysis.cli import main
from analysis.params import Params, find_root, load_params
from analysis.plan import Plan, load_plan
from analysis.problems import InputError
from analysis.reports import UnitReport
from analysis.site import build as build_module
from analysis.site.build import build_site
from analysis.site.ledger import LIBRARIES, fingerprint, hash_value
from analysis.site.notebooks import Source
from analysis.site.planning import explain_page
from analysis.site.run import Order, find_unchanged
from analysis.study import Study
from analysis.tables.dictionary import dictionary
from analysis.tables.load import load_dataset

YEAR = 2024
SECTIONS = (
    *("header", "summary", "next_steps", "figure_targets", "figure_trend", "figure_peers"),
    *("results", "definitions", "method", "finish"),
)


# --- A page that would look different has another key ------------------------------------------


@pytest.fixture
def write_page(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write all sections of a unit's page, with what a chart is given in place of its drawing.

    A chart draws nothing but its arguments. What says when and of what data the page was made is
    left out: the first always differs, the second is the key itself.
    """

    def undrawn(*given: Any, **more: Any) -> Any:
        kept = [one.to_dict() if isinstance(one, pd.DataFrame) else one for one in given]
        return SimpleNamespace(told=repr((kept, sorted(more))), get_figwidth=lambda: 1)

    for name in ("rates", "trends", "peers"):
        monkeypatch.setattr(f"analysis.figures.charts.{name}", undrawn)
    monkeypatch.setattr("analysis.reports.base.to_svg", lambda drawn, *more: f"{drawn.told} {more}")
    monkeypatch.setattr(UnitReport, "data_digest", lambda report: "")

    def write(study: Study, unit_id: str) -> str:
        report = unit(study, unit_id, YEAR)
        parts = [getattr(report, name)() for name in SECTIONS]
        shown = [getattr(part, "html", None) or repr(part) for part in parts]
        return "\n".join(line for line in "\n".join(shown).splitlines() if " UTC" not in line)

    return write


def open_tables(tables: Tables, folder: Path, plan: Plan, params: Params) -> Study:
    shutil.rmtree(folder, ignore_errors=True)
    return Study(params, plan, load_dataset(write_tables(tables, folder)), find_root())


def with_another_cell(tables: Tables, rng: random.Random) -> tuple[Tables, tuple[str, str]]:
    """Change any one cell of any table into what another row has there, one more, or nothing."""
    tables = copied(tables)
    name = rng.choice(
        ("returns", "returns", "returns", "roster", *(t for t in tables if tables[t]))
    )
    recent = [row for row in tables[name] if row.get("year", "") in ("2023", "2024")]
    row = rng.choice(recent if recent and rng.random() < 0.8 else tables[name])
    column = rng.choice([key for key in row if key not in ("year", "unit_id", "employer_id")])
    others = sorted({other[column] for other in tables[name]} - {row[column]})
    more = [str(int(row[column]) + 1)] if row[column].isdigit() else []
    row[column] = rng.choice([*others, *more, ""])
    return tables, (f"{name}.{column} {row.get('year')}", row.get("unit_id", ""))


def test_a_page_that_would_look_different_has_another_key(
    write_page: Any, tmp_path: Path, plan: Plan
) -> None:
    """Any one cell of any table changed: where a page keeps its key, it keeps its text."""
    rng = random.Random(1)
    params = load_params(YEAR).model_copy(update={"min_peers": 2, "min_ranked": 1})
    tables = random_tables(3, units=7, years=(2022, 2023, 2024, 2025))
    study = open_tables(tables, tmp_path / "a", plan, params)
    before = {
        key: (unit(study, key, YEAR).digests(), write_page(study, key))
        for key in study.expected_units(YEAR).index
    }
    changes, own, others, spared = 0, 0, 0, 0
    while changes < 6:
        other_tables, (what, whose) = with_another_cell(tables, rng)
        try:
            other = open_tables(other_tables, tmp_path / "b", plan, params)
        except InputError:
            continue  # not what a dataset may hold
        changes += 1
        for key in set(before) & set(other.expected_units(YEAR).index):
            digests, text = before[key]
            has_another = unit(other, key, YEAR).digests() != digests
            spared += not has_another
            if has_another and (own > 1 if key == whose else others > 2):
                continue  # enough are known that differ
            is_moved = write_page(other, key) != text
            assert has_another or not is_moved, f"{key} after {what} of {whose}"
            own += is_moved and key == whose
            others += is_moved and key != whose
    assert own > 1, "too little was changed to prove anything"
    assert others > 2, "too little was changed to prove anything"
    assert spared > 10, "whatever is corrected, everything is made again"


def test_same_data_has_the_same_key_in_another_process() -> None:
    """Nothing in a key depends on the order of sets or the run."""
    code = (
        "from analysis import load, unit\n"
        "print(unit(load(2024), 'DN-DABAN', 2024).digests())"
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "1", "PATH": ""},
        cwd=find_root(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert literal_eval(done.stdout) == unit(sample(), "DN-DABAN", 2024).digests()


# --- Who may look at anything ------------------------------------------------------------------

OPEN = "import analysis\nstudy = analysis.load(year, data=data)\nreport = analysis.unit(study, unit_id, year)"
PARAMETERS = 'unit_id = "x"\nyear = 2024\ndata = "d"'


def plain(*cells: str) -> bool:
    text = nbformat.writes(make_notebook(PARAMETERS, *cells))
    return Source(Path(), text, ()).is_plain


def test_the_projects_notebook_shows_the_narrative_alone() -> None:
    for name in ("cdcs", "area"):
        text = (find_root() / "notebooks" / f"{name}.ipynb").read_text("utf-8")
        assert Source(Path(), text, ()).is_plain
    assert plain("# md Nhận xét của tôi", OPEN, "report.header()")


@pytest.mark.parametrize(
    "cells",
    [
        (OPEN, "study.table"),
        (OPEN, "print(year)"),
        (OPEN, "report.study.dataset.returns"),
        (OPEN, "report._beside(1)"),
        (OPEN, "report.figure('a')"),
        (OPEN, "report.header(); import os"),
        (OPEN, "import pandas"),
        (OPEN, "year = 2023", "report.header()"),
        (OPEN, "for name in (1, 2): report.header()"),
        (OPEN, "%matplotlib inline"),
        (OPEN.replace("data=data", "file='x.yaml'"),),
        (OPEN.replace("data=data", "data='x'"),),
        (OPEN.replace("study, unit_id", "study, 'DN-RLAN'"),),
        (OPEN, "study = analysis.load(year, plan=data)"),
        (OPEN.replace("import analysis", "import analysis, other as analysis"),),
        (OPEN, END),
    ],
)
def test_any_other_code_may_look_at_anything(cells: tuple[str, ...]) -> None:
    assert not plain(*cells)


# --- A whole site ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with a site, and a copy of it as it was made: a page's key knows where its data lie."""
    folder = tmp_path_factory.mktemp("made") / "folder"
    make_study(folder / "data", ["DN-RLAN", "TH-HUC"])
    write_notebooks(folder / "notebooks", OPEN.split("\n", 1)[0])
    unit_notebook = make_notebook(
        PARAMETERS, OPEN, "report.header()", "report.results()", "report.finish()"
    )
    nbformat.write(unit_notebook, folder / "notebooks" / "cdcs.ipynb")
    given = PARAMETERS.replace('unit_id = "x"', 'scope = "x"\nscope_id = "x"')
    opened = OPEN.replace("unit(study, unit_id", "area(study, scope, scope_id")
    area_notebook = make_notebook(given, opened, "report.header()", "report.finish()")
    nbformat.write(area_notebook, folder / "notebooks" / "area.ipynb")
    (folder / "notebooks" / "logo.png").write_bytes(b"x")
    write_template(folder / "templates")
    assert build(folder).made == 5  # the year, two units and their communes
    return folder, Path(shutil.copytree(folder, folder.with_name("kept")))


@pytest.fixture
def folder(made: tuple[Path, Path]) -> Path:
    """The site as it was made: what is seen are bytes, whenever written."""
    folder, kept = made
    shutil.rmtree(folder)
    return Path(shutil.copytree(kept, folder))


def open_study_of(folder: Path) -> Study:
    root = find_root()
    params = load_params(YEAR, root=root).model_copy(update={"data": str(folder / "data")})
    return Study(params, load_plan(root / params.plan), load_dataset(folder / "data"), root)


def build(folder: Path, **more: Any) -> Any:
    study = open_study_of(folder)
    template = write_template(folder / "templates")
    places = {"notebooks": folder / "notebooks", "template": template}
    seen = fingerprint(study.params, study.root, **places)
    order = Order(**{"jobs": 1, "progress": False, **places, **more})
    return build_site(study, folder / "2024", order, seen)


def unchanged(folder: Path, units: Sequence[str] | None = None) -> bool:
    params = load_params(YEAR).model_copy(update={"data": str(folder / "data")})
    template = write_template(folder / "templates")
    seen = fingerprint(params, find_root(), notebooks=folder / "notebooks", template=template)
    return find_unchanged(params, folder / "2024", seen, Order(units)) is not None


def correct(folder: Path, unit_id: str, column: str, value: str, table: str = "returns") -> None:
    path = folder / "data" / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if (row["unit_id"], row["year"]) == (unit_id, str(YEAR)):
            row[column] = value
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def made_at(folder: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in (folder / "2024" / "cdcs").iterdir()}


@needs_fork
def test_one_correction_makes_its_own_page_and_those_that_show_it(folder: Path) -> None:
    # A unit's own note may stand on its page and its commune's; the year's has the whole dataset.
    correct(folder, "DN-RLAN", "note", "đã gọi điện")
    assert build(folder).made == 3
    # A unit's own name is on its commune's page too, and nobody else's.
    correct(folder, "TH-HUC", "name", "CĐCS mới", "roster")
    before = made_at(folder)
    again = build(folder)
    after = made_at(folder)
    assert {key for key in after if after[key] != before[key]} == {"TH-HUC"}
    assert again.made == 3


@needs_fork
def test_a_unit_that_cannot_be_told_of_stops_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(report: UnitReport) -> dict[str, str]:
        if report.unit_id == "TH-HUC":
            raise KeyError("hỏng")
        return real(report)

    real = UnitReport.digests
    monkeypatch.setattr(UnitReport, "digests", fail)
    correct(folder, "DN-RLAN", "note", "đã gọi điện")
    assert build(folder).made == 4  # until it is known what it shows, anything may be in it


@needs_fork
def test_why_names_what_changed(folder: Path) -> None:
    template = write_template(folder / "templates")

    def why(name: str) -> str:
        places = {"notebooks": folder / "notebooks", "template": template}
        return "\n".join(explain_page(study, folder / "2024", name, **places))

    study = open_study_of(folder)

    ledger = (folder / "2024" / "ledger.json").read_bytes()
    assert "trang còn đúng" in why("DN-RLAN")
    correct(folder, "DN-RLAN", "note", "đã gọi điện")
    study = open_study_of(folder)
    told = why("DN-RLAN")
    units = {item["unit_id"]: item for item in json.loads(ledger)["units"]}
    old = units["DN-RLAN"]["inputs"]["figures"]
    assert f"(figures): trước {old}, nay " in told
    assert len(told.splitlines()) == 2
    assert "trang còn đúng" in why("TH-HUC")
    assert "(data)" in why("year")
    (folder / "2024" / "cdcs" / "TH-HUC.html").write_text("của ai đó")
    assert "đã bị xóa hoặc sửa" in why("TH-HUC")
    with pytest.raises(InputError):
        why("KHONG-CO")
    assert (folder / "2024" / "ledger.json").read_bytes() == ledger
    shutil.rmtree(folder / "2024")
    assert "chưa có trang nào" in why("DN-RLAN")
    assert not (folder / "2024").exists()


def why_of(folder: Path, name: str, **params: Any) -> str:
    study = open_study_of(folder)
    study = study.with_params(study.params.model_copy(update=params))
    places = {"notebooks": folder / "notebooks", "template": folder / "templates" / "mini"}
    return "\n".join(explain_page(study, folder / "2024", name, **places))


@needs_fork
def test_why_tells_what_changed_in_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings and libraries from what to what; which files, which tables, which indicators."""
    told = why_of(folder, "DN-RLAN", data=str(folder / "khác"))
    assert re.search(r"\(settings\): data: trước data \(\w{6}\), nay khác \(\w{6}\)$", told)
    ledger = folder / "2024" / "ledger.json"
    assert str(folder) not in ledger.read_text("utf-8")
    (folder / "templates" / "mini" / "more.j2").write_text("x")
    assert why_of(folder, "year").endswith("(template): more.j2 (mới)")
    (folder / "templates" / "mini" / "more.j2").unlink()
    table = dictionary().tables["roster"].vi
    correct(folder, "TH-HUC", "name", "CĐCS mới", "roster")
    assert why_of(folder, "year").endswith(f"(data): {table} (roster)")
    path = folder / "data" / "roster.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    before = open_study_of(folder).rows("unit", "DN-RLAN", YEAR)["informed_enterprise"]
    correct(folder, "DN-RLAN", "informed", str(before.numerator - 1))
    figure = f"trước {before.numerator}/{before.denominator} "
    figure += rf"\([^)]+\), nay {before.numerator - 1}/{before.denominator} "
    short = {item.id: item.short for item in open_study_of(folder).plan.catalogue()}
    assert re.search(f"{short['informed_enterprise']}: {figure}", why_of(folder, "DN-RLAN"))
    (folder / "2024" / "data" / "indicators.csv").write_bytes(b'scope,"\xff')
    assert re.search(r"\(figures\): trước \w{16}, nay \w{16}$", why_of(folder, "DN-RLAN"), re.M)
    monkeypatch.setattr("analysis.site.ledger.version", lambda name: f"9 {name}")
    told = why_of(folder, "TH-HUC")
    assert re.search("babel: trước [0-9.]+, nay 9 babel;", told)
    assert told.endswith(f"; và {len(LIBRARIES) - 5} thứ khác")
    # Parts that do not give the hash were tampered with; others tell nothing to a terminal either.
    edit(ledger, '"pandas": "', '"pandas": "0.')
    assert re.search(r"\(libraries\): trước \w{16}, nay \w{16}$", why_of(folder, "TH-HUC"))
    record = json.loads(ledger.read_text("utf-8"))
    parts = {"babel": "\x1b[2J"}
    old = next(item for item in record["units"] if item["unit_id"] == "TH-HUC")["inputs"]
    old["libraries"] = hash_value(parts)
    ledger.write_text(json.dumps({**record, "details": {hash_value(parts): parts}}), "utf-8")
    assert "babel: trước \ufffd[2J, nay 9 babel" in why_of(folder, "TH-HUC")


def declare(path: Path, reads: object, *cells: str) -> None:
    notebook = nbformat.read(path, 4)
    notebook.cells[-1:-1] = [nbformat.v4.new_code_cell(cell) for cell in cells]
    notebook.metadata["congdoan"] = {"reads": reads}
    nbformat.write(notebook, path)


@needs_fork
def test_a_notebook_that_declares_what_it_reads_is_made_again_with_that_alone(
    folder: Path,
) -> None:
    # Whatever else an analyst's own cells read, they are made again with any correction.
    path = folder / "notebooks" / "cdcs.ipynb"
    plain_text = path.read_bytes()
    notebook = nbformat.read(path, 4)
    notebook.cells.insert(-1, nbformat.v4.new_code_cell("len(study.table) and None"))
    nbformat.write(notebook, path)
    assert build(folder).made == 2
    correct(folder, "DN-RLAN", "note", "đã gọi điện")
    assert all("(data)" in why_of(folder, name) for name in ("DN-RLAN", "TH-HUC"))
    path.write_bytes(plain_text)
    declare(path, ["employers"], "len(study.dataset.employers)")
    declare(folder / "notebooks" / "year.ipynb", ["indicators"], "1 + 1")
    assert build(folder).made == 4  # these three, and the commune of that note
    # Neither employers nor indicators: its own page for what its narrative tells, and its commune's.
    correct(folder, "DN-RLAN", "note", "đã gọi lại")
    assert build(folder).made == 2
    correct(folder, "DN-RLAN", "informed", "1")
    assert "bảng chỉ tiêu (indicators)" in why_of(folder, "year")
    correct(folder, "DN-RLAN", "workers_total", "77", "employers")
    for name in ("DN-RLAN", "TH-HUC"):
        assert "(employers)" in why_of(folder, name)
    declare(folder / "notebooks" / "area.ipynb", ["returns", "units", 5])
    with pytest.raises(InputError) as caught:
        build(folder)
    assert [problem.value for problem in caught.value.problems] == ["units", "5"]
    assert all(f"{name}, " in str(caught.value) for name in dictionary().tables)
    declare(folder / "notebooks" / "area.ipynb", "returns")
    with pytest.raises(InputError, match="phải là một danh sách"):
        build(folder)


@needs_fork
def test_a_year_that_comes_to_lie_beside_while_pages_are_made_is_seen_by_the_next_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two years made at the same time: neither was there when the other's pages were planned."""
    real = build_module.write_data

    def meanwhile(*given: Any) -> None:
        (folder / "2023").mkdir(exist_ok=True)
        (folder / "2023" / "index.html").touch()
        real(*given)

    units = ["TH-HUC"]
    shutil.rmtree(folder / "2024")
    with monkeypatch.context() as patch:
        patch.setattr(build_module, "write_data", meanwhile)
        build(folder, units=units)
    assert not unchanged(folder, units)
    build(folder, units=units)
    assert unchanged(folder, units)


def touch(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


CHANGES = {
    "data": lambda f: correct(f, "DN-RLAN", "note", "đã gọi điện"),
    "description": lambda f: (f / "data" / "dataset.yaml").write_text("name: khác"),
    "unit notebook": lambda f: touch(f / "notebooks" / "cdcs.ipynb"),
    "year notebook": lambda f: touch(f / "notebooks" / "year.ipynb"),
    "another picture": lambda f: (f / "notebooks" / "more.png").write_bytes(b"x"),
    "the picture": lambda f: (f / "notebooks" / "logo.png").write_bytes(b"y"),
    "template": lambda f: (f / "templates" / "mini" / "more.j2").write_text("x"),
    "page gone": lambda f: (f / "2024" / "cdcs" / "TH-HUC.html").unlink(),
    "page touched": lambda f: touch(f / "2024" / "cdcs" / "TH-HUC.html"),
    "year page gone": lambda f: (f / "2024" / "year.html").unlink(),
    "index gone": lambda f: (f / "2024" / "index.html").unlink(),
    "data touched": lambda f: touch(f / "2024" / "data" / "units.csv"),
    "ledger changed": lambda f: edit(f / "2024" / "ledger.json", "TH-HUC", "TH-HUD"),
    "ledger broken": lambda f: (f / "2024" / "ledger.json").write_text("[1"),
    "ledger gone": lambda f: (f / "2024" / "ledger.json").unlink(),
    "a year beside": lambda f: ((f / "2023").mkdir(), (f / "2023" / "index.html").touch()),
}


@needs_fork
def test_whatever_changes_is_seen(folder: Path, made: tuple[Path, Path]) -> None:
    """Each change alone, in a site as it was made."""
    assert unchanged(folder, ["TH-HUC"])
    assert not unchanged(folder, ["KHONG-CO"])
    for what, change in CHANGES.items():
        assert unchanged(folder), what
        change(folder)
        assert not unchanged(folder), what
        shutil.rmtree(folder)
        shutil.copytree(made[1], folder)


@needs_fork
def test_rerun_of_the_command_reads_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study(tmp_path / "data", ["TH-HUC"])
    command = ["report", "--year", "2024", "--data", str(tmp_path / "data"), "--jobs", "1"]
    command += ["--out", str(tmp_path / "2024")]
    with pytest.raises(SystemExit) as stop:
        main(command)
    assert not stop.value.code, capsys.readouterr()
    asking = [*command, "--why", "TH-HUC", "--why", "year"]
    with pytest.raises(SystemExit):
        main(asking)
    assert capsys.readouterr().out.count("trang còn đúng") == 2

    def refuse(*_: Any) -> None:
        raise AssertionError("a table was read")

    monkeypatch.setattr("analysis.loading.open_study", refuse)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(command)
    assert not stop.value.code
    assert "Đã làm 0 trang, giữ nguyên 3 trang" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    # Nor is what tables and pages need imported: that alone takes seconds.
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "analysis", *command],
        cwd=find_root(),
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "analysis.site.run" in imported
    assert imported.isdisjoint({"pandas", "matplotlib", "nbconvert", "papermill"})

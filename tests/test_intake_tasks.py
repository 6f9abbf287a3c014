"""The sheet of tasks in a form: only what is still asked, and every mistake with its cell."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import Run
from test_site_kit import make_study

from analysis.intake.forms import asked_tasks, write_forms
from analysis.store.log import create_store
from analysis.tables.load import load_dataset

UNIT, YEAR = "DN-DABAN", 2025
COLUMNS = {
    "state": 5,
    "done_on": 6,
    "count": 7,
    "doc_no": 8,
    "doc_date": 9,
    "title": 10,
    "note": 11,
}
CODE = 12
MARCH = datetime(YEAR, 3, 3)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three years of one unit, the fourth has its register alone: `data`, and its form in `mail`."""
    base = tmp_path_factory.mktemp("tasks")
    folder = base / "data"
    make_study(folder, [UNIT])
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        if path.stem in ("returns", "tasks", "evidence"):
            rows = [row for row in rows if row[0] != str(YEAR)]
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows])
    study = make_study(base / "whole", [UNIT], YEAR)
    study = type(study)(study.params, study.plan, load_dataset(folder), study.root)
    for path in write_forms(study, base / "mail", YEAR):
        if not path.name.startswith(UNIT):
            path.unlink()
    return base


@pytest.fixture
def folder(base: Path, tmp_path: Path) -> Path:
    return shutil.copytree(base / "data", tmp_path / "data")


@pytest.fixture
def form(base: Path, tmp_path: Path) -> Path:
    (path,) = shutil.copytree(base / "mail", tmp_path / "mail").iterdir()
    return path


def fill(
    form: Path,
    told: dict[str, dict[str, Any]],
    codes: dict[str, str] | None = None,
    *,
    by_libreoffice: bool = True,
) -> None:
    workbook = openpyxl.load_workbook(form)
    page = workbook["Nhiệm vụ"]
    rows = {
        page.cell(row, CODE).value.partition(" = ")[0]: row for row in range(8, page.max_row + 1)
    }
    for task, cells in told.items():
        for name, value in cells.items():
            page.cell(rows[task], COLUMNS[name]).value = value
    for task, other in (codes or {}).items():
        page.cell(rows[task], CODE).value = f"{other} = {page.cell(rows[task], 2).value}"
    front = workbook["Báo cáo"]
    for row in front.iter_rows(min_row=1):
        if row[1].value == "Số người được tuyên truyền":
            row[3].value = 20
    workbook.save(form)
    if not by_libreoffice:
        return
    # As whoever fills it in would save it: through LibreOffice.
    profile = (form.parent.parent / "profile").as_uri()
    command = ["soffice", f"-env:UserInstallation={profile}", "--headless", "--convert-to", "ods"]
    command += ["--outdir", str(form.parent), str(form)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    form.unlink()


def test_only_what_is_still_asked_is_on_the_sheet(form: Path, folder: Path, tmp_path: Path) -> None:
    study = make_study(tmp_path / "more", [UNIT], YEAR)
    dataset = load_dataset(folder)
    done = dataset.tables["tasks"]
    done = set(done.loc[done["state"] == "done", "task_id"])
    page = openpyxl.load_workbook(form)["Nhiệm vụ"]
    asked = [page.cell(row, CODE).value.partition(" = ")[0] for row in range(8, page.max_row + 1)]
    assert asked
    for task in study.plan.tasks:
        fits = "private_enterprise" in study.plan.types_in(task.population)
        settled = task.cadence == "once" and task.id in done
        wanted = task.owner == "unit" and not task.indicator and fits and not settled
        assert (task.id in asked) == wanted, task.id
    states = {rule.formula1 for rule in page.data_validations.dataValidation}
    assert "danh_muc_task_state" in {str(rule).strip("=") for rule in states}
    issuer = study.plan.issuer.id
    assert {t.owner for t in asked_tasks(study, issuer, None, YEAR)} == {"district"}


def test_a_filled_sheet_is_stored_cell_by_cell(
    form: Path, folder: Path, congdoan: Callable[..., Run]
) -> None:
    fill(
        form,
        {
            "t-2.2-dan-chu": {
                "state": "Đã hoàn thành", "done_on": MARCH,
                "doc_no": "3/BB-CĐCS", "doc_date": MARCH, "title": "Biên bản hội nghị",
            },
            "t-2.2-noi-quy": {"state": "Đang thực hiện", "note": "Chờ <b>chủ</b>"},
            "t-2.2-cham-lo": {"state": "Chưa thực hiện"},
            "t-2.2-tet-sum-vay": {"state": "Đã hoàn thành", "done_on": "20/02/2025", "count": 12},
            "t-2.2-thang-cong-nhan": {"state": "Không áp dụng"},
        },
    )  # fmt: skip
    run = congdoan("import", form.parent, "--data", folder)
    assert run.status == 0, run.out + run.err
    tables = load_dataset(folder).tables
    said = tables["tasks"][tables["tasks"]["year"] == YEAR].set_index("task_id")
    assert dict(said["state"]) == {
        "t-2.2-dan-chu": "done",
        "t-2.2-noi-quy": "in_progress",
        "t-2.2-cham-lo": "not_started",
        "t-2.2-tet-sum-vay": "done",
        "t-2.2-thang-cong-nhan": "not_applicable",
    }
    assert said.at["t-2.2-tet-sum-vay", "count"] == 12
    assert said.at["t-2.2-tet-sum-vay", "done_on"] == datetime(YEAR, 2, 20)
    (cited,) = tables["evidence"][tables["evidence"]["year"] == YEAR].itertuples()
    assert (cited.task_id, cited.doc_no, cited.doc_date) == ("t-2.2-dan-chu", "3/BB-CĐCS", MARCH)
    told = congdoan("history", UNIT, YEAR, "--data", folder).out
    assert "E10" in told  # the cell of a state
    assert "H10" in told  # and of a document


def test_every_mistake_is_named_with_its_cell_and_nothing_is_stored(
    form: Path, folder: Path, congdoan: Callable[..., Run]
) -> None:
    late = datetime(YEAR + 1, 3, 3)
    fill(
        form,
        {
            "t-2.2-dan-chu": {"state": "Đã hoàn thành", "done_on": late},
            "t-3.1.2-gioi": {"doc_no": "5/KH"},
            "t-4.2-phat-dong": {"state": "Đang thực hiện", "done_on": MARCH},
            "t-5.2-kiem-tra": {"state": "Đã hoàn thành"},
        },
        {"t-5.2-kiem-tra": "t-5.2-kiem-tra-huyen"},
    )
    run = congdoan("import", form.parent, "--data", folder)
    assert run.status == 1
    for words in (
        "ngày hoàn thành sau ngày cuối năm 2025",
        "minh chứng của nhiệm vụ chưa được báo cáo",
        "chỉ ghi ngày hoàn thành khi trạng thái là đã hoàn thành",
        "nhiệm vụ này là của LĐLĐ huyện",
    ):
        (line,) = [line for line in (run.out + run.err).splitlines() if words in line]
        assert "trang tính «Nhiệm vụ», ô " in line
    tables = load_dataset(folder).tables
    assert tables["tasks"][tables["tasks"]["year"] == YEAR].empty


def test_cells_that_cannot_be_read_are_named(
    form: Path, folder: Path, congdoan: Callable[..., Run]
) -> None:
    fill(
        form,
        {
            "t-2.2-tet-sum-vay": {"state": "xong rồi"},
            "t-2.2-dan-chu": {"state": "Đã hoàn thành", "done_on": "31/02/2025"},
            "t-2.2-van-hoa": {"state": "Đã hoàn thành", "count": "nhiều"},
        },
        by_libreoffice=False,
    )
    run = congdoan("import", form.parent, "--data", folder)
    assert run.status == 1
    lines = [line for line in (run.out + run.err).splitlines() if "«Nhiệm vụ», ô " in line]
    assert len(lines) == 3
    for heading in ("Trạng thái", "Ngày hoàn thành", "Số lượng"):
        assert any(heading in line for line in lines), heading


def test_a_sheet_of_tasks_is_taken_back_with_what_it_cites(
    tmp_path: Path, congdoan: Callable[..., Run]
) -> None:
    folder = tmp_path / "data"
    make_study(folder, [UNIT])
    create_store(folder, "congdoan import")
    before = load_dataset(folder).tables
    assert (before["evidence"]["year"] == 2024).any()
    command = ("withdraw", UNIT, 2024, "--data", folder, "--reason", "gửi nhầm", "--table")
    run = congdoan(*command, "tasks")
    assert run.status == 0, run.out + run.err
    after = load_dataset(folder).tables
    for name in ("tasks", "evidence"):
        assert not (after[name]["year"] == 2024).any()
        assert len(after[name]) == (before[name]["year"] != 2024).sum()
    assert congdoan(*command, "tasks").status == 1


def test_a_label_that_was_moved_is_seen(
    form: Path, folder: Path, congdoan: Callable[..., Run]
) -> None:
    workbook = openpyxl.load_workbook(form)
    page = workbook["Nhiệm vụ"]
    page.cell(8, 2).value, page.cell(9, 2).value = page.cell(9, 2).value, page.cell(8, 2).value
    workbook.save(form)
    fill(form, {"t-2.2-noi-quy": {"state": "Đang thực hiện"}}, by_libreoffice=False)
    run = congdoan("import", form.parent, "--data", folder)
    assert run.status == 1
    wrong = [line for line in run.out.splitlines() if "nhãn ghi khác" in line]
    assert [re.search(r"ô (B\d+)", line)[1] for line in wrong] == ["B8", "B9"]  # type: ignore[index]

"""Settings, folders and runs as people really have them: read, asked about, or refused in words."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import Any
from urllib.parse import quote

import nbformat
import pytest
from browser import open_browser
from cases import CASES, data_for, mail_for, store_for
from conftest import Run
from deliveries import make_folder, write_delivery
from nbformat import NotebookNode
from test_pages_kit import open_context
from test_site_kit import END, make_notebook, make_page, make_task, needs_fork

from analysis.language import load_language
from analysis.pages.fragments import csv_link
from analysis.pages.index import render_index
from analysis.pages.template import TEMPLATE
from analysis.params import find_root, load_params
from analysis.plan import load_plan
from analysis.problems import InputError, Problem
from analysis.reports import year
from analysis.site.build import keep_edition
from analysis.site.engine import Result
from analysis.site.ledger import (
    INDICATORS,
    LEDGER,
    YEAR_PAGE,
    Layout,
    Ledger,
    PageRecord,
    read_pages,
    read_record,
    unit_page,
)
from analysis.site.notebooks import Source
from analysis.site.planning import Page
from analysis.site.run import Order, Start, run_report
from analysis.store.history import read_published
from analysis.store.office_year import find_status, find_unasked, format_status
from analysis.study import Study
from analysis.tables.check import check_rules
from analysis.tables.dictionary import dictionary
from analysis.tables.files import unread_files
from analysis.tables.load import load_dataset, read_dataset
from analysis.tables.storefile import address_of
from analysis.tables.writing import alphabetically, as_typed

ROOT = Path(__file__).parents[1]
Congdoan = Callable[..., Run]

# --- settings files ----------------------------------------------------------------------------

SETTINGS = """\
# Cài đặt của huyện
data: data/sample
plan: params/plan/nq02.yaml
lang: vi
min_peers: 5
"""


def wrong_settings(text: str) -> dict[str, tuple[bytes, int, str]]:
    """Ways in which a settings file goes wrong: its bytes, the line to name, words to say."""

    def put(old: str, new: str) -> bytes:
        assert old in text
        return text.replace(old, new).encode()

    return {
        "ANSI, Western": (text.encode("cp1252", "replace"), 1, "UTF-8"),
        "ANSI, Vietnamese": (text.encode("cp1258", "replace"), 1, "UTF-8"),
        "ANSI below": (text.encode() + "# xâ".encode("cp1258", "replace"), 6, "UTF-8"),
        "UTF-16": (text.encode("utf-16"), 1, "UTF-16"),
        "UTF-16 without a mark": (text.encode("utf-16-le"), 1, "UTF-16"),
        "UTF-32": (text.encode("utf-32"), 1, "UTF-16"),
        "tab before a key": (put("plan:", "\tplan:"), 3, "Tab"),
        "tab after a colon": (put("lang: ", "lang:\t"), 4, "Tab"),
        "backslashes": (put("data/sample", r'"C:\Users\a"'), 2, r"dấu \ là một lệnh"),
        "backslashes that mean something": (
            *(put("data/sample", r'"D:\new\bao-cao"'), 2),
            r"dấu \ là một lệnh",
        ),
        "a list": (b"- data: data/sample\n- lang: vi\n", 1, "nhóm khóa: giá trị"),
        "one word": (b"data\n", 1, "nhóm khóa: giá trị"),
        "NBSP before a key": (put("lang:", "\u00a0lang:"), 4, "dấu cách lạ"),
        "NBSP after a colon": (put("lang: ", "lang:\u00a0"), 4, "dấu cách lạ"),
        "NBSP before a colon": (put("lang:", "lang\u00a0:"), 4, "dấu cách lạ"),
        "a doubled key": (put("min_peers: 5", "data: b"), 5, "khóa lặp lại (đã có ở dòng 2)"),
        "no space after the colon": (put("lang: vi", "lang:vi"), 4, "dấu hai chấm"),
        "an open quote": (put("lang: vi", "lang: 'vi"), 4, "dấu nháy mở"),
        "an open bracket": (put("lang: vi", "years_beside: [2023"), 4, "ngoặc mở"),
        "a crooked line": (put("lang: vi", "  lang: vi"), 4, "thụt dòng"),
        "a colon in a text": (put("data/sample", "data: sample"), 2, "dấu hai chấm"),
        "two documents": (put("lang: vi", "---\nlang: vi"), 4, "---"),
        "a sign before a text": (put("data/sample", "@data"), 2, "ký hiệu"),
        "an object": (put("data/sample", "!!python/name:os.system"), 2, "ký hiệu"),
        "a bell": (put("data/sample", "data\a"), 2, "ký tự điều khiển"),
        "an unknown key": (put("min_peers", "min_peer"), 5, "khóa lạ"),
        "a wrong value": (put("min_peers: 5", "min_peers: một"), 5, "số nguyên"),
        "a number for a key": (put("min_peers", "2024"), 5, "phải là chữ"),
        "a list for a word": (put("lang: vi", "lang: [vi]"), 4, "phải là chữ"),
        "a word for a group": (put("min_peers: 5", "assumptions: 90%"), 5, "nhóm khóa"),
    }


def refused(file: Path, content: bytes, root: Path) -> list[Problem]:
    file.write_bytes(content)
    with pytest.raises(InputError) as found:
        load_params(2024, root=root)
    return list(found.value.problems)


@pytest.mark.parametrize("name", ["default.yaml", "2024.yaml"])
@pytest.mark.parametrize("wrong", wrong_settings(SETTINGS))
def test_a_wrong_settings_file_is_named_with_its_line(
    wrong: str, name: str, tmp_path: Path
) -> None:
    folder = tmp_path / "params"
    folder.mkdir()
    for file in ("default.yaml", "2024.yaml"):
        (folder / file).write_text(SETTINGS if file == "default.yaml" else "# nothing\n", "utf-8")
    content, row, words = wrong_settings(SETTINGS)[wrong]
    [problem] = refused(folder / name, content, tmp_path)
    assert (problem.file, problem.row) == (name, row)
    assert words in problem.message


def test_a_year_that_repeats_a_wrong_default_rightly_is_right(tmp_path: Path) -> None:
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "default.yaml").write_text(SETTINGS.replace("5", "0"), "utf-8")
    (tmp_path / "params" / "2024.yaml").write_text("min_peers: 7\n", "utf-8")
    assert load_params(2024, root=tmp_path).min_peers == 7


def test_a_number_is_read_as_it_looks(tmp_path: Path) -> None:
    (tmp_path / "params").mkdir()
    file = tmp_path / "params" / "default.yaml"
    file.write_text(SETTINGS.replace("min_peers: 5", "min_peers: 010"), "utf-8")
    assert load_params(2024, root=tmp_path).min_peers == 10  # YAML itself would say eight
    [problem] = refused(file, SETTINGS.replace("peers: 5", "peers: 1:30").encode(), tmp_path)
    assert (problem.row, problem.value) == (5, "1:30")  # and ninety


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)

#: The same as one list.
ANCHORED = [line.split(": ", 1)[1] for line in BOMB.splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BOMB, id="aliases of aliases"),
        pytest.param("a: &a [*a]\n", id="a list in itself"),
        pytest.param("a: " + "[" * 100_000, id="brackets"),
        pytest.param("a: " + "[" * 60 + "]" * 60, id="closed brackets"),
        pytest.param("- " * 50_000 + "x\n", id="dashes"),
        pytest.param("a: " + "{a: " * 60 + "}" * 60, id="braces"),
        pytest.param("a: 1\n" * 500_000, id="megabytes"),
        pytest.param("a: [" + "1," * 70_000 + "]\n", id="items"),
        pytest.param(f"? [{', '.join(ANCHORED)}]\n: 1\n", id="aliases in a key"),
    ],
)
def test_what_nobody_could_have_written_is_refused_at_once(text: str, tmp_path: Path) -> None:
    params = tmp_path / "params"
    language = params / "lang" / "xx"
    language.mkdir(parents=True)
    (params / "default.yaml").write_text(SETTINGS, "utf-8")
    began = time.process_time()
    [problem] = refused(params / "2024.yaml", text.encode(), tmp_path)
    assert problem.file == "2024.yaml"
    for name, load in (
        ("plan.yaml", lambda: load_plan(tmp_path / "plan.yaml")),
        ("words.yaml", lambda: load_language("xx", tmp_path)),
    ):
        folder = tmp_path if name == "plan.yaml" else language
        (folder / name).write_text(text, "utf-8")
        with pytest.raises(InputError, match=name):
            load()
    assert time.process_time() - began < 10


# --- folders -----------------------------------------------------------------------------------


def test_every_file_of_a_folder_has_its_fate(congdoan: Congdoan, tmp_path: Path) -> None:
    data, mail = store_for("11-subfolder", tmp_path), mail_for("11-subfolder", tmp_path)
    (mail / "DN-HUC.XLSX").write_bytes(b"x")
    (mail / "không đuôi").touch()
    (mail / "link.csv").symlink_to("gone.csv")
    os.mkfifo(mail / "pipe.csv")
    run = congdoan("import", mail, "--year", 2025, "--data", data)
    assert run.status == 1  # for DN-HUC.XLSX alone
    for path in mail.iterdir():
        if path.name != "loi-nhap":
            assert path.name in run.out
    (count,) = re.findall(r"^Bỏ qua, không đọc: (\d+)$", run.out, re.M)
    assert int(count) == len(list(mail.iterdir())) - 3  # one read, one refused, the error lists
    for name, word in (
        ("MAYLEN", "giải nén"),
        ("Xã Tân Thành", "nhập riêng"),
        ("RLAN", "giải nén"),
    ):
        (line,) = [
            line for line in run.out.splitlines() if line.strip().startswith(("DN-" + name, name))
        ]
        assert word in line


def test_a_folder_as_it_comes_from_a_phone_is_sorted_file_by_file(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    """Copies, two versions, last year's forms, forms under a name of the phone's, and what is none."""
    units = [f"U{number}" for number in range(7)]
    data, mail = make_folder(tmp_path / "data", units, workers_total=90), tmp_path / "mail"
    fates: dict[str, list[str]] = {"Đã nhận": [], "Đã có": [], "Bị trả lại": [], "Bỏ qua": []}

    def give(fate: str, name: str, unit: str, informed: int, year: int = 2024) -> Path:
        row = {"year": year, "unit_id": unit, "informed": informed}
        path = write_delivery(mail, name, [row])
        fates[fate].append(path.name)
        return path

    for place, unit in enumerate(units[2:], 2):  # U1 has a return
        # Of files with the same bytes it is the original that is taken in.
        give("Bị trả lại" if place > 4 else "Đã nhận", f"{unit}_2024", unit, 5)
        if place > 4:
            newer = give("Bị trả lại", f"{unit}_2024 (1)", unit, 6)
            os.utime(newer, (2_000_000_000, 2_000_000_000))
        elif place == 2:
            give("Đã có", f"{unit}_2024 (1)", unit, 5)
        elif place == 3:
            give("Đã có", f"zalo-{place}71", unit, 5)
    for unit in units[:2]:
        give("Bị trả lại", f"{unit}_2023", unit, 4, 2023)
    for name in ("~$U1_2024.csv", "7.tmp", "z51_n.jpg", "bao-cao.zip", "Thumbs.db"):
        (mail / name).write_bytes(b"x")
        fates["Bỏ qua"].append(name)
    run = congdoan("import", mail, "--year", 2024, "--data", data)
    for fate, names in fates.items():
        (block,) = re.findall(rf"^{fate}.*: {len(names)}\b.*\n((?:  .*\n?)+)", run.out, re.M)
        assert [name for name in names if name not in block] == [], fate
    for unit in units[5:]:
        assert f"bản lưu sau cùng là {unit}_2024 (1).csv" in run.out


def test_a_folder_without_anything_to_read_says_what_is_in_it(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    data, mail = data_for("00-control", tmp_path), tmp_path / "mail"
    mail.mkdir()
    (mail / "tất cả.rar").touch()
    run = congdoan("import", mail, "--year", 2025, "--data", data)
    assert run.status == 1
    assert "tất cả.rar" in run.err
    assert "giải nén" in run.err


@pytest.mark.parametrize(
    "name",
    [
        *("Employers.csv", "employers.CSV", "employers.xlsx", "employers (1).csv"),
        *("employers.csv.txt", "EMPLOYERS.TXT", "Copy of employers.csv", "employers_2024.csv"),
    ],
)
def test_a_table_under_another_name_is_told(name: str, tmp_path: Path) -> None:
    data = data_for("00-control", tmp_path)
    (data / "employers.csv").rename(data / name)
    (problem,) = [problem for problem in unread_files(data) if problem.file == name]
    assert (problem.severity, problem.year) == ("warning", None)
    assert "không được đọc" in problem.message
    assert "phải là tệp employers.csv" in problem.message


def test_a_second_file_of_a_table_and_a_strange_one_are_told(tmp_path: Path) -> None:
    data = data_for("24-table-names", tmp_path)
    shutil.copy(data / "employers.csv", data / "employers - Copy.csv")
    (data / "bao cao.xlsx").touch()
    (data / "README.md").touch()
    _, problems = read_dataset(data)
    found = {problem.file: problem.message for problem in problems if problem.code == "unread_file"}
    assert set(found) == {
        *("employers - Copy.csv", "bao cao.xlsx", "Lineage.csv", "district (1).csv")
    }
    assert "thiếu bảng" not in found["employers - Copy.csv"]
    assert "congdoan import" in found["bao cao.xlsx"]
    assert "lineage.csv" in found["Lineage.csv"]


def test_a_store_that_begins_beside_a_misnamed_table_says_so(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    data, mail = data_for("24-table-names", tmp_path), mail_for("00-control", tmp_path)
    run = congdoan("import", mail, "--year", 2025, "--data", data)
    assert "Lineage.csv: tệp này không được đọc" in run.err


def as_utf16(text: str) -> bytes:
    return text.encode("utf-16")


def with_(sign: str) -> Callable[[str], bytes]:
    return lambda text: text.replace(",", sign).encode("utf-8-sig")


@pytest.mark.parametrize("table", ["roster", "district"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(with_(";"), "dấu chấm phẩy", id="semicolons"),
        pytest.param(with_("\t"), "dấu Tab", id="tabs"),
        pytest.param(lambda text: b"sep=;\n" + with_(";")(text), "dấu chấm phẩy", id="sep"),
        pytest.param(as_utf16, "UTF-16", id="UTF-16"),
        pytest.param(lambda text: text.replace("year,", "nam,", 1).encode(), "", id="no key"),
    ],
)
def test_a_table_that_cannot_be_read_is_told_once(
    table: str, change: Callable[[str], bytes], words: str, tmp_path: Path
) -> None:
    data = data_for("00-control", tmp_path)
    file = data / f"{table}.csv"
    file.write_bytes(change(file.read_text("utf-8")))
    dataset, problems = read_dataset(data)
    problems = [*problems, *check_rules(dataset)]
    found = [problem for problem in problems if problem.severity == "error"]
    assert len(found) == (1 if words else 2)  # an unknown column, and one that is missing
    assert all(problem.file == file.name and words in problem.message for problem in found)


def test_the_case_of_a_semicolon_table(congdoan: Congdoan) -> None:
    run = congdoan("check", "--year", 2024, "--data", CASES / "24-table-semicolon" / "data")
    assert (run.status, run.out.count("LỖI")) == (1, 1)
    assert "roster.csv, dòng 1: các ô ngăn nhau bằng dấu chấm phẩy" in run.out


def test_a_register_with_only_its_headings_is_told_once(congdoan: Congdoan, tmp_path: Path) -> None:
    data = data_for("00-control", tmp_path)
    file = data / "roster.csv"
    file.write_text(file.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    run = congdoan("check", "--data", data)
    assert (run.status, run.out.count("LỖI")) == (1, 1)
    assert "roster.csv: bảng không có dòng nào" in run.out


# --- notebooks that people saved, on machines as they are --------------------------------------

#: A red point.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


def run_cells(
    folder: Path, *cells: NotebookNode | str, start: Start = "fork", **metadata: object
) -> Result:
    """Make a page of these cells, with the project's own template."""
    notebook = make_notebook("year = 0", *(c for c in cells if isinstance(c, str)), END)
    notebook.cells[1:1] = [cell for cell in cells if not isinstance(cell, str)]
    notebook.metadata = {**notebook.metadata, **metadata}
    folder.mkdir(exist_ok=True)
    return make_page(make_task(notebook, TEMPLATE, cwd=str(folder), start=start))


def remark(source: str, **attachments: dict[str, str]) -> NotebookNode:
    cell = nbformat.v4.new_markdown_cell(source)
    if attachments:
        cell.attachments = attachments
    return cell


#: A kernel that is not here.
R = {"name": "ir", "display_name": "R", "language": "R"}


@needs_fork
@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(None, id="none"),
        pytest.param(R, id="R"),
        pytest.param({"name": "venv-cũ", "display_name": "Python (cũ)"}, id="gone"),
        pytest.param({}, id="empty"),
    ],
)
def test_a_notebook_runs_whatever_kernel_it_was_saved_with(
    spec: dict[str, str] | None, tmp_path: Path
) -> None:
    notebook = make_notebook("year = 0", "print(year + 1)", END)
    del notebook.metadata["kernelspec"]
    if spec is not None:
        notebook.metadata["kernelspec"] = spec
    task = make_task(notebook, TEMPLATE, cwd=str(tmp_path), start="fork")
    result = make_page(replace(task, parameters={"year": 2024}))
    assert result.failure is None
    assert "<pre>2025\n</pre>" in (result.html or "")


@needs_fork
@pytest.mark.parametrize("name", ["image.png", "ảnh chụp (1).png"])
@pytest.mark.parametrize("encode", [quote, str])
def test_a_picture_pasted_into_a_remark_is_shown(
    name: str, encode: Callable[[str], str], tmp_path: Path
) -> None:
    link = f"<attachment:{encode(name)}>"
    cell = remark(f"Trước ![ảnh]({link}) sau", **{name: {"image/png": PNG}})
    result = run_cells(tmp_path, cell)
    assert result.failure is None
    assert f'src="data:image/png;base64,{PNG}"' in (result.html or "")


@needs_fork
def test_a_picture_beside_the_notebook_is_shown(tmp_path: Path) -> None:
    (tmp_path / "hình").mkdir()
    (tmp_path / "hình" / "sơ đồ.png").write_bytes(base64.b64decode(PNG))
    result = run_cells(tmp_path, remark("![sơ đồ](<hình/sơ đồ.png>)"))
    assert result.failure is None
    assert f'src="data:image/png;base64,{PNG}"' in (result.html or "")


@needs_fork
@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("![a](khong-co.png)", "ảnh «khong-co.png»: không thấy tệp"),
        ("![a](attachment:mất.png)", "ảnh «mất.png»: ảnh đã dán không còn"),
        ("![a](https://vi.du/a.png)", "ảnh «https://vi.du/a.png»: trang không lấy ảnh từ mạng"),
        ('<img src="khong-co.png">', "ảnh «khong-co.png»: không thấy tệp"),
        ("![a](../a.png)", "ảnh «../a.png»: không thấy tệp"),
    ],
)
def test_a_broken_picture_is_an_error_of_its_page(source: str, named: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(base64.b64decode(PNG))
    result = run_cells(tmp_path / "notebooks", remark(source))
    assert result.html is None
    assert named in str(result.failure)


BACKENDS = {"unset": None, "Agg": "Agg", "TkAgg": "TkAgg", "unknown": "module://khong.co", "x": "x"}
CHART = "import matplotlib.pyplot as plt\nplt.plot([1, 2], [3, 4]); plt.show()"


@needs_fork
@pytest.mark.parametrize(
    ("backend", "start"),
    [*((name, "fork") for name in BACKENDS), ("TkAgg", "spawn")],
)
def test_an_own_chart_is_shown_once_whatever_the_backend(
    backend: str, start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MPLBACKEND", raising=False)
    if BACKENDS[backend] is not None:
        monkeypatch.setenv("MPLBACKEND", str(BACKENDS[backend]))
    result = run_cells(tmp_path, CHART, start=start, kernelspec=R)
    assert result.failure is None
    assert (result.html or "").count('src="data:image/png;base64,') == 1


DRAW = """
import analysis
report = analysis.unit(analysis.load(2024, data=DATA), "DN-DABAN", 2024)
import hashlib, inspect
for name, section in inspect.getmembers(report, inspect.ismethod):
    # The method section tells the minute at which it was made; it draws nothing.
    if name != "method" and not name.startswith("_") and not inspect.signature(section).parameters:
        shown = section()
        print(name, hashlib.sha256(str(getattr(shown, "html", shown)).encode()).hexdigest())
"""
OWN = """text.usetex: True
font.family: serif
font.size: 20
axes.facecolor: yellow
axes.prop_cycle: cycler('color', ['ff0000'])
lines.linewidth: 9
svg.hashsalt: own
savefig.bbox: tight
backend: TkAgg
"""


def test_a_users_own_settings_change_no_figure(tmp_path: Path) -> None:
    drawn = []
    for name, text in (("none", ""), ("own", OWN)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "matplotlibrc").write_text(text, "utf-8")
        own = {"MPLCONFIGDIR": str(tmp_path / name), "MPLBACKEND": "TkAgg" if text else ""}
        done = subprocess.run(
            [sys.executable, "-c", f"DATA = {str(CASES / '_base')!r}{DRAW}"],
            env={**os.environ, **own},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        drawn.append(done.stdout)
    assert drawn[0].count("\n") > 5
    assert drawn[0] == drawn[1]


def test_the_command_runs_with_a_backend_that_is_none(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "analysis", "report", "--year", "2024", "--why", "DN-DABAN"]
    command += ["--data", str(CASES / "_base")]
    environment = {**os.environ, "MPLBACKEND": "x"}
    done = subprocess.run(
        [*command, "--out", str(tmp_path)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


# --- a store on a network drive ----------------------------------------------------------------


def test_a_store_opens_wherever_it_lies(congdoan: Congdoan, tmp_path: Path) -> None:
    folder = tmp_path / "Hướng Hóa a b #1 100% %23 gì? a&b;c='d'"
    folder.mkdir()
    data, mail = data_for("00-control", folder), mail_for("00-control", folder)
    assert congdoan("import", mail, "--year", 2025, "--data", data).status == 0
    assert congdoan("status", "--year", 2025, "--data", data).status == 0


@pytest.mark.parametrize("name", ["a b", "#1", "100%25", "gì?"])
def test_sqlite_opens_the_address_of_a_network_drive(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with closing(sqlite3.connect(folder / "store.sqlite")) as store:
        store.execute("CREATE TABLE t (x)")
    server, share, *rest = folder.parts[1:]
    for drive in (f"//{server}/{share}", rf"\\{server}\{share}"):
        unc = PureWindowsPath(drive, *rest, "store.sqlite")
        assert unc.drive == rf"\\{server}\{share}"
        # Here two slashes are as good as one, so that what Windows would open opens too.
        with closing(sqlite3.connect(address_of(unc), uri=True)) as store:
            assert store.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]


# --- names, their order, and tables for a spreadsheet ------------------------------------------

PLACES = ["Thuận", "Hướng Linh", "Tân Hợp", "Ðakrông", "Húc", "Thanh", "Dân Hóa", "Hướng Lập", "Bà"]
ORDERED = [
    "Bà",
    "Dân Hóa",
    "Ðakrông",
    "Húc",
    "Hướng Lập",
    "Hướng Linh",
    "Tân Hợp",
    "Thanh",
    "Thuận",
]


def in_turn(found: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """The wanted ones, as they were found."""
    chosen = set(wanted)
    return list(dict.fromkeys(name for name in found if name in chosen))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A year whose units lie in, and are named after, communes out of order."""
    data = data_for("00-control", tmp_path_factory.mktemp("order"))
    with (data / "roster.csv").open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    name, commune, kind = (header.index(word) for word in ("name", "commune", "unit_type"))
    types = list(dictionary().words["unit_type"])
    for number, row in enumerate(rows):
        place = PLACES[number % len(PLACES)]
        row[name], row[commune], row[kind] = f"CĐCS {place}", place, types[number % len(types)]
    with (data / "roster.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    params = load_params(2024, root=ROOT).model_copy(update={"data": str(data)})
    return Study(params, load_plan(ROOT / params.plan), load_dataset(data), ROOT)


def test_the_index_is_in_vietnamese_order(places: Study) -> None:
    units = [
        {"unit_id": u, "outcome": "not_run", "page": None}
        for u in places.expected_units(2024).index
    ]
    html = render_index(places, {"units": units})
    types = re.findall(r"<h2>(.*?) \(\d+\)</h2>", html)
    assert len(types) > 4
    assert types == sorted(types, key=alphabetically)
    assert types != sorted(types)
    for block in re.findall(r"<ul class=\"columns\">(.*?)</ul>", html, re.S):
        names = re.findall(r"<li>CĐCS ([^<\n]*)", block)
        assert names == [
            name for name in ORDERED if name in names for _ in range(names.count(name))
        ]
    communes = re.findall(r'<option value="([^"]*)">', html.partition('id="commune"')[2])
    assert in_turn(communes, PLACES) == ORDERED
    (select,) = re.findall(r'<select id="type">(.*?)</select>', html)
    labels = re.findall(r'<option value="\w+">(.*?)</option>', select)
    assert labels == sorted(labels, key=alphabetically)


def test_the_status_and_the_tables_are_in_vietnamese_order(places: Study) -> None:
    folder = Path(places.params.data)
    found = find_status(places.dataset, places.plan, 2024, folder)
    found["state"] = "missing"
    text = format_status(
        found, find_unasked(places.dataset, places.plan, 2024, folder), places.plan, 2024
    )
    _, communes, types, reminder = text.split("\n\n")[1:5]
    assert in_turn((line.split("  ")[0] for line in communes.splitlines()), PLACES) == ORDERED
    labels = [re.split("  +", line)[0] for line in types.splitlines()[1:]]
    assert labels == sorted(labels, key=alphabetically)
    assert in_turn(re.findall(r"^- CĐCS (.*?),", reminder, re.M), PLACES) == ORDERED
    coverage = year(places, 2024).coverage().html
    shown = in_turn(re.findall(r"<th[^>]*>([^<]*)</th>", coverage), labels)
    assert shown == labels


def test_the_indicator_table_keeps_its_own_order(places: Study) -> None:
    table = places.compute([2024], ["commune"])
    for _, rows in table.groupby("indicator", observed=True, sort=False):
        ids = rows["scope_id"].astype(str).to_list()
        assert ids == sorted(ids)
    assert set(PLACES) <= set(table["scope_id"])


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of units with names that break things."""
    folder = tmp_path_factory.mktemp("nasty")
    data = data_for("20-nasty-names", folder)
    params = load_params(2024, root=ROOT).model_copy(update={"data": str(data)})
    assert run_report(params, ROOT, folder / "site", Order()).is_done
    return folder / "site"


@pytest.fixture(scope="module")
def names() -> dict[str, str]:
    with (CASES / "20-nasty-names" / "data" / "roster.csv").open(encoding="utf-8") as file:
        return {
            row["unit_id"]: row["name"] for row in csv.DictReader(file) if row["year"] == "2024"
        }


def test_nasty_names_are_shown_as_typed_on_pages_that_fit(
    nasty: Path, names: dict[str, str]
) -> None:
    with open_browser() as browser, open_context(browser) as context:
        page = context.new_page()
        page.set_viewport_size({"width": 360, "height": 740})
        for file in sorted(nasty.rglob("*.html")):
            page.goto(file.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, file.name
            if file.stem in names:
                assert page.locator("h1").inner_text() == names[file.stem]
                assert names[file.stem] in page.title()
        page.goto((nasty / "index.html").as_uri())
        page.wait_for_selector("#found:not(:empty)")
        page.fill("#q", "dakrong")
        shown = page.locator("#units tbody tr:visible small").all_text_contents()
        assert shown == ["DN-CUAGIO"]


def test_the_tables_of_a_site_are_harmless_in_a_spreadsheet(
    nasty: Path, names: dict[str, str]
) -> None:
    for name in ("units", "indicators"):
        content = (nasty / "data" / f"{name}.csv").read_bytes()
        assert content.startswith(b"\xef\xbb\xbf")  # or Excel would not see that it is UTF-8
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        for cell in (cell for row in rows for cell in row):
            assert not cell.startswith(("=", "+", "@", "\t")), cell
            assert not cell.startswith("-") or float(cell) <= 0
            assert cell != "'"
        if name == "units":
            ids = [row[1] for row in rows[1:]]
            assert {key: as_typed(row[2]) for key, row in zip(ids, rows[1:], strict=True)} == names
            assert rows[1 + ids.index("DN-DOIGIO")][2].startswith("'=HYPERLINK")


def test_the_figures_downloads_leave_empty_cells_empty() -> None:
    link = csv_link(["Năm", "=A1"], [["2024", ""], ["-5,2", "+3"], ["@x", "-x"]])
    text = base64.b64decode(link.partition(",")[2]).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows == [["Năm", "'=A1"], ["2024", ""], ["-5,2", "+3"], ["'@x", "'-x"]]


def test_changes_reads_a_site_whatever_its_marks(tmp_path: Path) -> None:
    table = "indicator,scope_id,verdict\na,Hướng Hóa,met\na,'=Xã,met\n"
    for mark in ("", "\ufeff"):
        (tmp_path / "indicators.csv").write_text(mark + table, "utf-8")
        read = read_published(tmp_path / "indicators.csv")
        assert list(read.columns) == ["indicator", "scope_id", "verdict"]
        assert list(read["scope_id"]) == ["Hướng Hóa", "=Xã"]


# --- ledgers that somebody wrote into ----------------------------------------------------------

OUTSIDE = "../../../x"


def tampered(record: dict[str, Any]) -> dict[str, Any]:
    """Ways to write into a ledger."""

    def put(item: dict[str, Any], **values: object) -> str:
        changed = {**record, "units": [{**record["units"][0], **item}], **values}
        return json.dumps(changed)

    digest = hashlib.sha256(b"precious").hexdigest()
    return {
        "null": "null",
        "list": "[]",
        "deep": "[" * 100_000,
        "number": "5",
        "nothing": "",
        "a unit outside": put(
            {"unit_id": OUTSIDE, "page": f"cdcs/{OUTSIDE}.html", "sha256": digest}
        ),
        "a page outside": put({"unit_id": "U1", "page": "../../x.html", "sha256": digest}),
        "a number for a unit": put({"unit_id": 5}),
        "a list for a unit": put({"unit_id": ["a"]}),
        "a list for inputs": put({"inputs": ["a"]}),
        "an unknown outcome": put({"outcome": "done"}),
        "units that are none": json.dumps({**record, "units": {"a": 1}}),
        "no units": json.dumps({**record, "units": None}),
        "a date outside": put({}, made_at=OUTSIDE),
        "no date": put({}, made_at=None),
    }


def sound_ledger() -> dict[str, Any]:
    link, at = unit_page("U1"), "2025-01-01T00:00:00+00:00"
    made = PageRecord(outcome="published", page=link, sha256="0", made_at=at)
    about = {"edition": "internal", "plan": {"id": "p"}, "dataset": {"name": "d"}, "made_at": at}
    page = Page(link, "A", Source(Path(), "", ()), {"unit_id": "U1"}, {})
    return Ledger(about, {link: page}, {YEAR_PAGE: PageRecord(), link: made}).as_record()


def pages_of(folder: Path) -> dict[str, PageRecord]:
    return read_pages(read_record(Layout(folder)))


def test_a_sound_ledger_is_read(tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_text(json.dumps(sound_ledger()), "utf-8")
    assert set(pages_of(tmp_path)) == {YEAR_PAGE, unit_page("U1")}


@pytest.mark.parametrize("name", tampered(sound_ledger()))
def test_a_tampered_ledger_reaches_nothing_outside_its_site(name: str, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "a" / "b" / "site")
    (layout.site / "data").mkdir(parents=True)
    layout.file(LEDGER).write_text(tampered(sound_ledger())[name], "utf-8")
    layout.file(INDICATORS).write_text("old", "utf-8")
    keep_edition(layout, "new")
    earlier = pages_of(layout.site)
    assert set(earlier) <= {YEAR_PAGE, "cdcs/U1.html"}
    assert all(record.page in (None, link) for link, record in earlier.items())
    inside = {layout.site, layout.editions, layout.site.parent, layout.site.parent.parent}
    assert {path for path in tmp_path.rglob("*") if path.is_dir()} <= {
        *inside,
        layout.site / "data",
    }
    assert all(
        path.parent in (layout.site, layout.site / "data", layout.editions)
        for path in tmp_path.rglob("*")
        if path.is_file()
    )


def test_changes_since_a_tampered_ledger_says_so(congdoan: Congdoan, tmp_path: Path) -> None:
    data, mail = store_for("00-control", tmp_path), mail_for("00-control", tmp_path)
    congdoan("import", mail, "--year", 2025, "--data", data)
    (tmp_path / "site").mkdir()
    for text in ("null", "[]", "{}", '{"made_at": 5}', "[" * 100_000):
        (tmp_path / "site" / "ledger.json").write_text(text, "utf-8")
        run = congdoan("changes", "--year", 2025, "--data", data, "--out", tmp_path / "site")
        assert run.status == 1
        assert "hãy dùng --since" in run.err


# --- which project -----------------------------------------------------------------------------


def project_in(folder: Path) -> Path:
    (folder / "params").mkdir(parents=True)
    (folder / "params" / "default.yaml").write_text(SETTINGS, "utf-8")
    return folder


def test_a_project_is_where_one_stands_never_further_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_in(tmp_path / "own")
    for folder in ("notebooks", "data", "notebooks/deep"):
        (project / folder).mkdir(exist_ok=True)
    assert find_root(project) == find_root(project / "notebooks") == project
    assert find_root(project / "data") == find_root(project / "notebooks" / "deep") == ROOT
    monkeypatch.chdir(project / "data")
    assert find_root() == ROOT


def test_a_project_can_be_named(congdoan: Congdoan, tmp_path: Path) -> None:
    project = project_in(tmp_path / "own")
    run = congdoan("--project", project, "plan")
    assert "nq02.yaml: không tìm thấy tệp" in run.err  # as its settings say, and not ours
    assert congdoan("plan").status == 0
    run = congdoan("--project", tmp_path, "plan")
    assert (run.status, "--project" in run.err) == (1, True)


def test_whose_notebooks_are_run_is_said_first(congdoan: Congdoan, tmp_path: Path) -> None:
    project = project_in(tmp_path / "own")
    plan = ROOT / "params" / "plan" / "nq02-huong-hoa.yaml"
    shutil.copytree(ROOT / "params" / "lang", project / "params" / "lang")
    run = congdoan(
        *("--project", project, "report", "--year", 2024, "--plan", plan),
        *("--data", ROOT / "data" / "sample", "--out", tmp_path / "out"),
    )
    assert run.err.startswith(f"Dự án: {project}; các sổ tay trong {project / 'notebooks'}")

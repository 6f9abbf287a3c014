"""The notebooks as an analyst meets them: opened in JupyterLab, run, changed and run again.

All of it on a copy: the committed notebooks are never opened.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import openpyxl
import pytest
import yaml
from browser import open_browser
from datasets import random_tables, write_tables
from nbclient import NotebookClient
from nbformat import NotebookNode
from playwright.sync_api import Browser, Locator, Page, expect

from analysis.params import Params

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TOKEN = "only-for-this-test"
#: For one step; all of them together take less.
SECONDS = 180
OTHER_UNIT = ("XA-XY", "CĐCS cơ quan xã Xy")
ERROR = "application/vnd.jupyter.error"


def read_notebook(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def parameters_cell(notebook: NotebookNode) -> NotebookNode:
    tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    return tagged[0]


def assigned(source: str) -> dict[str, Any]:
    """The names that a cell gives a literal value, and nothing else stands in it."""
    given = {}
    for statement in ast.parse(source).body:
        assert isinstance(statement, ast.Assign), source
        (name,) = statement.targets
        assert isinstance(name, ast.Name), source
        assert name.id not in given, source
        given[name.id] = ast.literal_eval(statement.value)
    return given


# --- As they are committed ----------------------------------------------------------------------


def test_there_is_a_notebook_for_a_unit_for_the_year_and_for_looking_around() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["area", "cdcs", "explore", "year"]


def default_settings() -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((ROOT / "params" / "default.yaml").read_text("utf-8"))
    return settings


#: What the runner finds out for each page: nobody sets it in a file.
FOUND = {"years_beside": [], "previous": ""}
OWN = {"cdcs": {"unit_id"}, "area": {"scope", "scope_id"}}
#: What a tour has no use for.
LEFT_OUT = {
    "explore": {"lang", "min_peers", "min_ranked", "letterhead", "as_of", "on", "assumptions"}
}
#: What the runner grants a notebook is nothing that it could know.
LIMITS = {"page_seconds", "page_megabytes"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_the_projects_own_data_unless_it_is_told_otherwise(path: Path) -> None:
    given = assigned(parameters_cell(read_notebook(path)).source)
    own = {"year"} | OWN.get(path.stem, set())
    assert own <= set(given)
    settings = set(default_settings()) - LIMITS - LEFT_OUT.get(path.stem, set())
    found = {name for name in FOUND if name in given}
    assert {k: v for k, v in given.items() if k not in own} == dict.fromkeys(settings | found)


def test_settings_that_a_file_leaves_out_are_those_of_the_default_file() -> None:
    """A second home of a default, in the schema, may not say something else."""
    fields = {k: f for k, f in Params.model_fields.items() if not f.is_required()}
    assert {name: field.default for name, field in fields.items() if name not in FOUND} == {
        name: value for name, value in default_settings().items() if name in fields
    }
    assert {name: fields[name].default for name in FOUND} == FOUND


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_parameter_is_handed_on_to_the_study(path: Path) -> None:
    notebook = read_notebook(path)
    names = set(assigned(parameters_cell(notebook).source)) - OWN.get(path.stem, set())
    loads = [
        node
        for cell in code_cells(notebook)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "analysis.load"
    ]
    assert len(loads) == (2 if path.stem == "explore" else 1)  # the tour loads a plan of its own
    handed = {ast.unparse(arg): ast.unparse(arg) for arg in loads[0].args}
    handed |= {str(word.arg): ast.unparse(word.value) for word in loads[0].keywords}
    assert handed == {name: name for name in names}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs_and_hold_to_the_format(path: Path) -> None:
    notebook = read_notebook(path)
    nbformat.validate(notebook)  # type: ignore[no-untyped-call]
    for cell in code_cells(notebook):
        assert (cell.outputs, cell.execution_count) == ([], None)
    assert notebook.metadata.kernelspec.name == "python3"
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))


# --- Run ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the notebooks need: themselves, the settings and the sample."""
    folder = tmp_path_factory.mktemp("project")
    before = {path.name: path.read_bytes() for path in NOTEBOOKS}
    for name in ("notebooks", "params", "data/sample"):
        skipped = shutil.ignore_patterns(".ipynb_checkpoints", "*.xlsx")
        shutil.copytree(ROOT / name, folder / name, ignore=skipped)
    assert {path.name: path.read_bytes() for path in NOTEBOOKS} == before
    return folder


@pytest.fixture(scope="module")
def untouched() -> Iterator[None]:
    """Whatever a test runs, the committed notebooks stay as they are."""
    before = {path: path.read_bytes() for path in NOTEBOOKS}
    yield
    assert {path: path.read_bytes() for path in NOTEBOOKS} == before


def texts_of(cell: NotebookNode, mime: str) -> list[str]:
    data = [o.data for o in cell.outputs if o.output_type in ("display_data", "execute_result")]
    return [str(found[mime]) for found in data if mime in found]


@pytest.fixture(scope="module")
def explored(project: Path, untouched: None) -> dict[str, list[NotebookNode]]:
    """The executed tour: the code cells below each heading."""
    folder = project / "notebooks"
    notebook = read_notebook(folder / "explore.ipynb")
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    client.execute()
    below: dict[str, list[NotebookNode]] = {}
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = re.sub(r"^#+ (\d+\. )?", "", cell.source.splitlines()[0])
        else:
            below.setdefault(heading, []).append(cell)
    return below


def test_the_tour_runs_without_a_word_of_complaint(
    explored: dict[str, list[NotebookNode]], project: Path
) -> None:
    outputs = [out for cells in explored.values() for cell in cells for out in cell.outputs]
    assert not [out for out in outputs if out.output_type in ("error", "stream")]
    left = {path.name for path in (project / "notebooks").iterdir() if path.suffix == ".xlsx"}
    assert left == set()


@pytest.mark.parametrize(
    ("heading", "mime", "shown"),
    [
        ("Xem số liệu theo ý mình", "text/html", ["minh họa", "study.find", "Đã báo cáo"]),
        ("Đơn vị này mã gì, ở đâu?", "text/html", ["Mã CĐCS", "dòng"]),
        ("Năm nay toàn địa bàn đạt gì, chưa đạt gì?", "text/html", ["✗ Chưa đạt", "✓ Đạt", "%"]),
        ("Nơi nào cần giúp nhất?", "text/html", ["Số chỉ tiêu chưa đạt", "<svg"]),
        ("Một chỉ tiêu chưa đạt: ai giữ phần còn thiếu?", "text/html", ["Phần của chỗ thiếu"]),
        ("Chỉ tiêu ấy theo xã ra sao?", "text/html", ["Tên", "<svg"]),
        ("Qua các năm thế nào, có phải vì đơn vị đến hay đi?", "text/html", ["điểm %", "2022"]),
        ("Hai năm, hai xã, hai đơn vị khác nhau ở đâu?", "text/html", ["Chênh lệch"]),
        ("Số liệu nào khác thường, cần hỏi lại?", "text/html", ["Lý do"]),
        ("Ai chưa báo cáo gì, và chỉ tiêu chung nào đang chờ?", "text/html", ["Ô còn trống"]),
        ("Còn cần bao nhiêu nữa thì đạt?", "text/html", ["Còn cần"]),
        ("Nếu số của một đơn vị khác đi thì sao?", "text/html", ["Giả định", "Đánh giá sau"]),
        ("Thêm một chỉ tiêu của riêng mình", "text/html", ["Đoàn viên nữ trên tổng số đoàn viên"]),
        ("Ghi bảng ra tệp để gửi", "text/plain", ["True"]),
    ],
)
def test_the_tour_shows_what_its_headings_promise(
    explored: dict[str, list[NotebookNode]], heading: str, mime: str, shown: list[str]
) -> None:
    text = "\n".join(found for cell in explored[heading] for found in texts_of(cell, mime))
    assert [word for word in shown if word not in text] == []


@pytest.mark.parametrize(
    ("of_plan", "years"),
    [("other_plan_file", (2022, 2023, 2024)), ("plan_file", ())],  # in no year: nothing sent yet
)
def test_the_tour_runs_on_an_offices_own_data_under_its_own_plan(
    project: Path,
    tmp_path: Path,
    of_plan: str,
    years: tuple[int, ...],
    request: pytest.FixtureRequest,
) -> None:
    """As its `params/local.yaml` names them, even before its first return, with no word of the sample."""
    office = shutil.copytree(project, tmp_path / "office")
    plan_file = request.getfixturevalue(of_plan)
    shutil.rmtree(office / "data/sample")
    tables = random_tables(7, units=14, years=years or (2025,))
    write_tables(tables if years else {**tables, "returns": []}, office / "so-lieu")
    shutil.copy(plan_file, office / "so-lieu/ke-hoach.yaml")
    own = "data: so-lieu\nplan: so-lieu/ke-hoach.yaml\n"
    (office / "params/local.yaml").write_text(own, "utf-8")
    notebook = read_notebook(office / "notebooks/explore.ipynb")
    NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": office / "notebooks"}},
    ).execute()
    outputs = [out for cell in code_cells(notebook) for out in cell.outputs]
    assert not [out for out in outputs if out.output_type in ("error", "stream")]
    shown = "".join(text for cell in code_cells(notebook) for text in texts_of(cell, "text/html"))
    assert "minh họa" not in shown
    assert shown.count("<table") + len(re.findall(r"<p>Không [^<]+[.]</p>", shown)) >= 12
    assert yaml.safe_load(plan_file.read_text("utf-8"))["title"] in shown


# --- In JupyterLab ------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings_of(home: Path) -> dict[str, str]:
    """An environment in which the server finds nobody's settings but its own."""
    folders = {
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "IPYTHONDIR": home / "ipython",
    }
    for folder in folders.values():
        folder.mkdir(parents=True)
    # No news from the network, and every cell in the page, not only those in view.
    quiet = {"@jupyterlab/apputils-extension:announcements": True}
    write_json(home / "config/labconfig/page_config.json", {"disabledExtensions": quiet})
    tracker = home / "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
    write_json(tracker, {"windowingMode": "none"})
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
    return kept | {name: str(folder) for name, folder in folders.items()}


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def lab(project: Path, tmp_path_factory: pytest.TempPathFactory, untouched: None) -> Iterator[str]:
    """The address of a JupyterLab that shows the copied notebooks."""
    home, port = tmp_path_factory.mktemp("jupyter"), free_port()
    command = [
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"),
        *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={project / 'notebooks'}"),
    ]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, env=settings_of(home), start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + SECONDS
        while not answers(f"{address}/api/status?token={TOKEN}"):
            told = (home / "log").read_text("utf-8", "replace")
            assert server.poll() is None, told
            assert time.monotonic() < deadline, told
            time.sleep(0.1)
        yield address
    finally:
        stop(server)


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the server with its kernels: at SIGTERM it ends them itself."""
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


class Opened:
    """A notebook in JupyterLab, with an analyst's hands."""

    def __init__(self, page: Page, lab: str, name: str) -> None:
        self.page = page
        self.source = read_notebook(ROOT / "notebooks" / name)
        page.set_default_timeout(SECONDS * 1000)
        page.goto(f"{lab}/lab/workspaces/{name.partition('.')[0]}/tree/{name}?token={TOKEN}")
        self.cells = page.locator(".jp-Notebook .jp-Cell")
        self.cells.nth(len(self.source.cells) - 1).wait_for(state="attached")
        self.wait_for_idle()

    @property
    def code(self) -> Locator:
        return self.page.locator(".jp-Notebook .jp-CodeCell")

    def wait_for_idle(self) -> None:
        told = re.compile(r"Python 3 \(ipykernel\) \| Idle")
        self.page.locator("#jp-main-statusbar", has_text=told).wait_for()
        self.page.locator(".jp-NotebookPanel-toolbar [data-status='idle']").first.wait_for()

    def run_all(self) -> None:
        """Run → Run All Cells; wait until every cell has run once more."""
        before = self.prompts()
        deadline = time.monotonic() + SECONDS
        self.choose_run_all()
        while not self.has_started(before):
            # A click that comes before the kernel is attached runs nothing, and says nothing.
            assert time.monotonic() < deadline, self.prompts()
            self.wait_for_idle()
            self.choose_run_all()
        while not self.is_over(before):
            assert not self.errors(), self.errors()
            assert time.monotonic() < deadline, self.prompts()
            self.page.wait_for_timeout(250)
        self.wait_for_idle()

    def choose_run_all(self) -> None:
        self.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
        self.page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()

    def has_started(self, before: list[str]) -> bool:
        """Whether a cell waits for its turn or has had it, within a while."""
        patience = time.monotonic() + 3
        while time.monotonic() < patience:
            now = self.prompts()
            if now != before and any(text != "[ ]:" for text in now):
                return True
            self.page.wait_for_timeout(250)
        return False

    def is_over(self, before: list[str]) -> bool:
        now = self.prompts()
        ran = all(re.fullmatch(r"\[\d+\]:", text) for text in now)
        return ran and not set(now) & (set(before) - {"[ ]:"})

    def prompts(self) -> list[str]:
        return self.code.locator(".jp-InputPrompt").all_inner_texts()

    def errors(self) -> list[str]:
        """What the cells complained of: exceptions, and anything on stderr."""
        bad = f".jp-OutputArea-output[data-mime-type$='stderr'], [data-mime-type='{ERROR}']"
        return self.page.locator(bad).all_inner_texts()

    def headings(self, *tags: str) -> list[str]:
        """The headings that the outputs show, visible ones only."""
        found = self.page.locator(", ".join(f".jp-OutputArea-output {tag}" for tag in tags)).all()
        return [node.inner_text() for node in found if node.is_visible()]

    def write(self, position: int, source: str) -> None:
        """Replace a code cell's text by hand."""
        self.code.nth(position).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(source)

    def text_of(self, position: int) -> str:
        return self.code.nth(position).locator(".cm-content").inner_text()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def test_a_units_notebook_runs_in_jupyterlab_and_again_for_another_unit(
    page: Page, lab: str
) -> None:
    opened = Opened(page, lab, "cdcs.ipynb")
    opened.run_all()
    assert opened.errors() == []
    first = opened.headings("h1")
    assert len(first) == 1
    assert first != [OTHER_UNIT[1]]
    expected = ["Tóm tắt", "Chưa đạt và việc cần làm", "Kết quả từng chỉ tiêu"]
    assert set(expected) <= set(opened.headings("h2"))
    assert page.locator("figure svg").first.is_visible()

    source = parameters_cell(opened.source).source
    changed = re.sub(r'unit_id = "[^"]+"', f'unit_id = "{OTHER_UNIT[0]}"', source)
    assert changed != source
    opened.write(0, changed)
    assert opened.text_of(0) == changed
    opened.run_all()
    assert opened.errors() == []
    assert opened.headings("h1") == [OTHER_UNIT[1]]


def test_in_the_tour_results_are_chosen_and_written_without_code(
    page: Page, lab: str, project: Path
) -> None:
    opened = Opened(page, lab, "explore.ipynb")
    opened.run_all()
    assert opened.errors() == []
    headings = page.locator(".jp-MarkdownCell h3").all_inner_texts()
    assert [text.partition(".")[0] for text in headings] == [str(n) for n in range(1, 13)]
    assert page.locator(".jp-OutputArea-output table.dataframe").count() >= 12
    # Year, indicator, scope, type, commune.
    lists = page.locator(".jp-OutputArea-output .widget-dropdown select")
    table = page.locator(".widget-html table.dataframe tbody")
    assert lists.count() == 5
    lists.nth(0).select_option(label="2023")
    lists.nth(4).select_option(label="Lao Bảo")
    expect(table.first).to_contain_text("Lao Bảo", timeout=SECONDS * 1000)
    lists.nth(1).select_option(index=1)
    lists.nth(3).select_option(label="Doanh nghiệp ngoài nhà nước")
    expect(table.first).to_contain_text("CĐCS Công ty", timeout=SECONDS * 1000)
    expect(table.first).not_to_contain_text("Trường")
    page.get_by_role("button", name="Ghi ra Excel").click()
    expect(page.get_by_text("Đã ghi so-lieu.xlsx")).to_be_visible(timeout=SECONDS * 1000)
    written = project / "notebooks" / "so-lieu.xlsx"
    try:
        rows = list(openpyxl.load_workbook(written).active.values)
    finally:
        written.unlink()
    assert "minh họa" in rows[0][0]
    assert {"Chỉ tiêu", "Tên", "Kết quả", "Đánh giá"} <= set(rows[1])
    assert {row[rows[1].index("Năm")] for row in rows[2:]} == {2023}

"""The engine: equal to a plain papermill run, isolated, and honest about what went wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from test_site_kit import (
    END,
    is_alive,
    make_notebook,
    make_page,
    make_task,
    needs_fork,
    wait_until,
    write_template,
)

from analysis.site.ledger import Failure
from analysis.site.notebooks import find_failure
from analysis.site.run import Start

# Everything that a cell can put out, in one notebook; it ends with an exception. It imports the
# package, as every notebook here does: that sets matplotlib's defaults.
CELLS = (
    'year = 0\nunit_id = "none"',
    "# md Chữ",
    "import analysis.figures.style\nprint(repr(unit_id), year)\nunit_id",
    "",
    "import sys\nfor i in range(3):\n    print('ra', i)\n    print('lỗi', i, file=sys.stderr)",
    "sys.stdout.write('không xuống dòng'); sys.stdout.flush(); print('!')",
    "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(2, 1))\n(line,) = ax.plot([1, 3, 2])",
    "plt.bar([1, 2], [3, 4]); plt.show(); print('sau hình')",
    "from IPython.display import HTML, Markdown, clear_output, display, update_display\n"
    "display(HTML('<b>đậm</b>'), Markdown('*nghiêng*')); print('giữa'); display({'a': 1})",
    "handle = display('trước', display_id='tay')\ndisplay('khác')",
    "update_display('sau', display_id='tay')",
    "print('xóa đi'); clear_output(); print('còn lại')",
    "print('xóa đi'); clear_output(wait=True); display('thay vào')",
    "import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', None]})",
    "display({'application/vnd.thu+json': {'k': [1]}, 'text/plain': 'x'}, raw=True)",
    # What is no JSON: an ordinary kernel's message makes it some.
    "import datetime, numpy as np\n"
    "odd = {'n': np.int64(3), 't': (1, 2), 5: 'khóa', 'd': datetime.date(2024, 1, 2)}\n"
    "display({'application/json': odd, 'image/png': b'\\x89PNG'}, raw=True)",
    "import asyncio\nawait asyncio.sleep(0)\n'chờ xong'",
    "%time 1 + 1\n%config InlineBackend.figure_formats = ['svg']",
    "!echo từ vỏ",
    "_ + 1 if isinstance(_, int) else _",
    "class Odd:\n    def _repr_html_(self):\n        return '<i>lạ</i>'\n    def __repr__(self):\n"
    "        return 'Odd'\nOdd()",
    "print('trước lỗi')\ndef f(x):\n    return 1 / x\nf(0)",
    "print('không bao giờ')",
)
VARYING = "%time"  # says how long it took
STARTS = pytest.mark.parametrize("start", [pytest.param("fork", marks=needs_fork), "spawn"])


def run_plainly(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """papermill's own command line, an ordinary kernel."""
    nbformat.write(notebook, folder / "in.ipynb")
    command = ["-m", "papermill", "in.ipynb", "out.ipynb", "-p", "year", "2024", "-r", "unit_id"]
    subprocess.run(
        [sys.executable, *command, "0042", "--no-progress-bar"], cwd=folder, capture_output=True
    )
    return nbformat.read(folder / "out.ipynb", as_version=4)


def normal_outputs(cell: NotebookNode) -> list[Any]:
    """Outputs without what depends on when a kernel's buffer was sent."""
    normal: list[Any] = []
    for output in cell.outputs:
        output = dict(output)
        last = [item for item in normal[-2:] if item["output_type"] == "stream"]
        same = [item for item in last if item["name"] == output.get("name")]
        if output["output_type"] == "stream" and same:
            same[0]["text"] += output["text"]
        else:
            normal.append(output)
    return normal


def as_seen(notebook: NotebookNode) -> list[tuple[Any, ...]]:
    kept = [
        cell
        for cell in notebook.cells
        if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])
    ]
    return [
        (
            cell.cell_type,
            cell.source,
            cell.get("execution_count"),
            cell.metadata.get("tags"),
            cell.metadata.papermill.status,
            cell.metadata.papermill.exception,
            normal_outputs(cell) if cell.cell_type == "code" and VARYING not in cell.source else 0,
        )
        for cell in kept
    ]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    return run_plainly(make_notebook(*CELLS), tmp_path_factory.mktemp("plain"))


@STARTS
def test_equals_a_plain_papermill_run_cell_by_cell(
    tmp_path: Path, plain: NotebookNode, start: Start
) -> None:
    given = {"year": 2024, "unit_id": "0042"}
    task = make_task(make_notebook(*CELLS), write_template(tmp_path), parameters=given, start=start)
    ours = nbformat.reads(make_page(task).executed or "", 4)
    for mine, theirs in zip(as_seen(ours), as_seen(plain), strict=True):
        assert mine == theirs
    assert ours.metadata.language_info == plain.metadata.language_info
    assert ours.metadata.papermill.parameters == plain.metadata.papermill.parameters
    assert find_failure(ours) is not None
    nbformat.validate(ours)


@needs_fork
def test_what_other_processes_print_is_caught_too(tmp_path: Path) -> None:
    cell = "import os, subprocess\nos.system('echo một'); _ = subprocess.run(['echo', 'hai'])"
    notebook = make_notebook("year = 0", cell)
    task = make_task(notebook, write_template(tmp_path), parameters={})
    executed = nbformat.reads(make_page(task).executed or "", 4)
    assert [output.text for output in executed.cells[1].outputs] == ["một\nhai\n"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_template(tmp_path_factory.mktemp("template"))


@needs_fork
def test_nothing_leaks_from_one_notebook_to_the_next(template: Path) -> None:
    leave = (
        "import builtins, os, sys, matplotlib\n"
        "left = builtins.left = 1\n"
        "os.chdir('/'); os.environ['LEFT'] = '1'; sys.path.append('/left')\n"
        "matplotlib.rcParams['axes.titlesize'] = 77\n"
        "import json; json.left = 1"
    )
    look = (
        "import builtins, os, sys, json, matplotlib\n"
        "print('left' in globals(), hasattr(builtins, 'left'), hasattr(json, 'left'),\n"
        "      'LEFT' in os.environ, '/left' in sys.path, os.getcwd() == '/',\n"
        "      matplotlib.rcParams['axes.titlesize'] == 77)"
    )
    # The first page of a process makes its shell, which chooses the backend for figures.
    make_page(make_task(make_notebook("year = 0", END), template))
    before = Path.cwd(), dict(os.environ), list(sys.path)
    assert make_page(make_task(make_notebook("year = 0", leave, END), template)).failure is None
    html = make_page(make_task(make_notebook("year = 0", look, END), template)).html
    assert html is not None
    assert "<pre>" + " ".join(["False"] * 7) in html
    assert (Path.cwd(), dict(os.environ), list(sys.path)) == before


@needs_fork
def test_page_is_escaped_by_the_template(template: Path) -> None:
    result = make_page(make_task(make_notebook("year = 0", "print('<script>')", END), template))
    assert result.failure is None
    assert result.html is not None
    assert "<title>A &amp; &lt;B&gt;</title>" in result.html
    assert "&lt;script&gt;" in result.html


def fail(template: Path, *cells: str, **changes: Any) -> Failure:
    result = make_page(make_task(make_notebook("year = 0", *cells), template, **changes))
    assert result.html is None
    assert result.executed is not None
    assert result.failure is not None
    return result.failure


FAULTS = {
    "import sys; sys.exit(0)": "SystemExit: 0",
    "exit()": "DeadKernelError: tiến trình chạy sổ tay đã tự thoát (mã 0)",
    "raise ValueError('đ')": "ValueError: đ",
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": (
        "DeadKernelError: tiến trình chạy sổ tay đã bị ngắt (SIGKILL)"
    ),
    "import os; os._exit(3)": "DeadKernelError: tiến trình chạy sổ tay đã tự thoát (mã 3)",
    "import sys; print('kìa', file=sys.stderr)": "có thông báo ở stderr: kìa",
    # Under pytest's filters the warning is an error, and a fork has its parent's filters.
    "import warnings; warnings.warn('kìa')": ("có thông báo ở stderr: ", "UserWarning: kìa"),
    "import os; os.write(2, b'C'); None": "có thông báo ở stderr: C",
    "input('?')": "EOFError: ",
    "this is no python": "SyntaxError: ",
}


@needs_fork
@pytest.mark.parametrize("cell", FAULTS, ids=str)
def test_fault_is_never_a_page(template: Path, cell: str) -> None:
    failure = fail(template, "1", cell, "'sau đó'", END)
    assert failure.error.startswith(FAULTS[cell])
    # The injected parameters are cell 2. After `exit()` it is the next cell that finds no kernel.
    assert failure.cell == (5 if cell == "exit()" else 4)


@needs_fork
def test_missing_end_mark(template: Path) -> None:
    assert fail(template, "1").error == "ô cuối không có dấu kết thúc"


@pytest.mark.parametrize(
    ("start", "loop"),
    [
        pytest.param("fork", "while True: pass", marks=needs_fork),
        # Holds the GIL.
        pytest.param("fork", "import re; re.match(r'(a+)+$', 'a' * 60 + 'b')", marks=needs_fork),
        pytest.param("spawn", "import time; time.sleep(99)", marks=needs_fork),
    ],
)
def test_time_limit_ends_the_whole_group(
    template: Path, tmp_path: Path, start: Start, loop: str
) -> None:
    note = tmp_path / "pids"
    begin = (
        "import os, subprocess\n"
        "child = subprocess.Popen(['sleep', '99'])\n"
        f"_ = open({str(note)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "print('trước vòng lặp')"
    )
    task = make_task(make_notebook("year = 0", begin, f"print('vào')\n{loop}", END), template)
    result = make_page(
        make_task(nbformat.reads(task.notebook, 4), template, seconds=1.0, start=start)
    )
    assert result.failure == Failure(4, "TimeoutError: chạy quá thời hạn 1 giây", "print('vào')")
    assert '"vào\\n"' in (result.executed or "")  # what it said until then is kept
    pids = [int(pid) for pid in note.read_text().split()]
    assert len(pids) == 2
    assert wait_until(lambda: not any(is_alive(pid) for pid in pids))


@needs_fork
def test_time_limit_ends_a_cell_that_prints_without_end(template: Path) -> None:
    cell = "while True: print('mãi')"
    result = make_page(make_task(make_notebook("year = 0", cell, END), template, seconds=1.0))
    assert result.failure == Failure(3, "TimeoutError: chạy quá thời hạn 1 giây", cell)
    assert '"mãi\\nmãi\\n' in (result.executed or "")


@needs_fork
def test_a_program_that_goes_on_writing_between_cells_loses_nothing(template: Path) -> None:
    program = "for n in range(20_000): print(n, flush=True)"
    begin = f"import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', {program!r}])"
    cells = [begin, *["import time; time.sleep(0.005)"] * 30, "child.wait()"]
    result = make_page(make_task(make_notebook("year = 0", *cells, END), template))
    said = [
        output.text
        for cell in nbformat.reads(result.executed or "", 4).cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream"
    ]
    assert "".join(said).split() == list(map(str, range(20_000)))


def _open_files() -> list[Path]:
    folder = Path("/proc/self/fd")
    return sorted(folder.iterdir()) if folder.exists() else []


@needs_fork
def test_many_notebooks_leave_nothing_open(template: Path) -> None:
    task = make_task(
        make_notebook("year = 0", "import os; print(f'kernel {os.getpid()}')", END), template
    )
    make_page(task)
    before, kernels = _open_files(), set()
    for _ in range(8):
        page = make_page(task).html or ""
        kernels.add(int(page.partition("kernel ")[2].partition("\n")[0]))
    assert _open_files() == before
    assert len(kernels) == 8
    for kernel in kernels:  # ended, and its end taken note of
        with pytest.raises(ChildProcessError):
            os.waitpid(kernel, os.WNOHANG)


@needs_fork
def test_a_spawned_process_is_judged_alike(template: Path) -> None:
    cell = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    failure = fail(template, "1", cell, "'sau đó'", END, start="spawn")
    assert failure.error.startswith(FAULTS[cell])
    assert failure == fail(template, "1", cell, "'sau đó'", END)


ORPHAN = """
import multiprocessing, os, sys
from analysis.site.engine import end_with

def work(parent):
    sys.platform = "darwin"  # where the system does not see to it
    end_with(parent)
    print(os.getpid(), flush=True)
    while True: pass

if __name__ == "__main__":
    multiprocessing.get_context("spawn").Process(target=work, args=(os.getpid(),)).start()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux's /proc")
def test_an_endless_cell_ends_with_its_parent_on_every_system(tmp_path: Path) -> None:
    (tmp_path / "orphan.py").write_text(ORPHAN)
    command = [sys.executable, str(tmp_path / "orphan.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    assert wait_until(lambda: not is_alive(child))


@needs_fork
def test_a_users_own_ipython_folder_is_neither_needed_nor_asked(tmp_path: Path) -> None:
    """One that cannot be made; one whose start files would change every page."""
    startup = tmp_path / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "own.py").write_text("print('của riêng')\n", "utf-8")
    code = "from analysis.site.engine import make_shell; make_shell()"
    for folder in (f"{os.devnull}/x", str(tmp_path)):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "IPYTHONDIR": folder},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), folder

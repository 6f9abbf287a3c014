"""The parts of tools/run.py that need no network: what it would run, and when."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def tool() -> ModuleType:
    # A module of its own for every test, so that none sees what another has patched.
    spec = importlib.util.spec_from_file_location("run_tool", ROOT / "tools" / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tool, tmp_path, monkeypatch):
    """A project folder of its own, where commands are noted and not run."""
    commands = []

    def note(command):
        commands.append([str(part) for part in command])
        return 0

    for name, path in {
        "ROOT": tmp_path,
        "VENV": tmp_path / ".venv",
        "STAMP": tmp_path / ".venv" / "congdoan-setup.txt",
        "LOCK": tmp_path / "requirements.lock",
        "PYPROJECT": tmp_path / "pyproject.toml",
    }.items():
        monkeypatch.setattr(tool, name, path)
    monkeypatch.setattr(tool, "run", note)
    (tmp_path / "requirements.lock").write_text("a==1\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return commands


def make_venv(tool):
    python = tool.venv_program("python")
    python.parent.mkdir(parents=True, exist_ok=True)
    python.touch()


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 11, 7), (3, 12, 1), (4, 0, 0)])
def test_new_enough_python_is_no_problem(tool, version):
    assert tool.python_problem(version) is None


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 9, 18), (3, 10, 13)])
def test_old_python_is_named_in_vietnamese(tool, version):
    problem = tool.python_problem(version)
    assert "Cần Python 3.11" in problem
    assert f"{version[0]}.{version[1]}" in problem


def test_stamp_depends_on_each_of_its_parts(tool):
    base = (b"lock", b"pyproject", "3.11.7", Path("/a"))
    others = [
        (b"LOCK", b"pyproject", "3.11.7", Path("/a")),
        (b"lock", b"PYPROJECT", "3.11.7", Path("/a")),
        (b"lock", b"pyproject", "3.11.8", Path("/a")),
        (b"lock", b"pyproject", "3.11.7", Path("/b")),
        (b"lockp", b"yproject", "3.11.7", Path("/a")),
    ]
    assert len({tool.make_stamp(*parts) for parts in [base, *others]}) == 6
    assert tool.make_stamp(*base) == tool.make_stamp(*base)


def test_finished_environment_is_left_alone(tool, project):
    make_venv(tool)
    tool.STAMP.write_text(tool.current_stamp() + "\n")
    tool.setup()
    assert project == []


def test_changed_lock_rebuilds(tool, project):
    make_venv(tool)
    tool.STAMP.write_text(tool.current_stamp())
    tool.LOCK.write_text("a==2\n")
    assert not tool.is_set_up(tool.current_stamp())


def test_interrupted_setup_is_rebuilt_from_nothing(tool, project, monkeypatch):
    make_venv(tool)
    leftover = tool.VENV / "half-installed"
    leftover.touch()

    def make(command):
        project.append([str(part) for part in command])
        make_venv(tool)
        return 0

    monkeypatch.setattr(tool, "run", make)
    tool.setup()
    assert len(project) == 3
    assert not leftover.exists()
    assert tool.is_set_up(tool.current_stamp())


def test_failed_setup_leaves_no_stamp(tool, project, monkeypatch):
    make_venv(tool)
    monkeypatch.setattr(tool, "run", lambda command: 1)
    with pytest.raises(tool.SetupError, match="mã 1"):
        tool.setup()
    assert not tool.STAMP.exists()


@pytest.mark.parametrize("uv", [None, "/usr/bin/uv"])
def test_setup_installs_the_lock_then_the_project_alone(tool, uv):
    make, locked, project = tool.setup_commands(uv, "/usr/bin/python3", Path("/v/bin/python"))
    assert (make[0] == uv) if uv else (make[:3] == ["/usr/bin/python3", "-m", "venv"])
    assert make[-1] == ".venv"
    assert locked[-3:] == ["--require-hashes", "-r", "requirements.lock"]
    assert project[-4:] == ["--no-deps", "--no-build-isolation", "-e", "."]
    assert str(Path("/v/bin/python")) in locked
    assert str(Path("/v/bin/python")) in project


@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        ([], ["--year", "2024"]),
        (["--unit", "X"], ["--year", "2024", "--unit", "X"]),
        (["--year", "2023", "--force"], ["--year", "2023", "--force"]),
        (["--year=2023"], ["--year=2023"]),
    ],
)
def test_report_has_a_default_year(tool, given, passed_on):
    assert tool.report_args(given) == passed_on


def test_report_sets_up_then_passes_on(tool, project, monkeypatch):
    monkeypatch.setattr(tool, "setup", lambda: project.append(["setup"]))
    assert tool.main(["report", "--year", "2023"]) == 0
    congdoan = str(tool.venv_program("congdoan"))
    assert project == [["setup"], [congdoan, "report", "--year", "2023"]]


def test_all_checks_run_and_the_first_failure_counts(tool, monkeypatch, capsys):
    statuses = iter([0, 3, 0, 5])
    monkeypatch.setattr(tool, "run", lambda command: next(statuses))
    assert tool.run_checks({name: [] for name in "abcd"}) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["[đạt] a", "[KHÔNG ĐẠT] b", "[đạt] c", "[KHÔNG ĐẠT] d", "Chưa đạt: b, d"]


def test_tests_fail_without_a_browser(tool, project, monkeypatch, capsys):
    monkeypatch.setattr(tool, "setup", lambda: None)
    monkeypatch.setattr(tool, "apt_install", lambda: None)
    monkeypatch.setattr(tool, "has_browser", lambda: False)
    monkeypatch.setattr(tool, "missing_programs", lambda: [])
    assert tool.main(["test"]) == 1
    assert "CONGDOAN_BROWSER" in capsys.readouterr().err
    assert [command[1:] for command in project] == [["-m", "playwright", "install", "chromium"]]


def test_apt_asks_no_password(tool):
    for command in tool.apt_commands(is_root=False):
        assert command[:2] == ["sudo", "-n"]
    update, install = tool.apt_commands(is_root=True)
    assert update[-1] == "update"
    assert {"chromium", "poppler-utils"} <= set(install)


def test_lock_is_universal_hashed_and_made_from_nothing(tool):
    command = tool.lock_command("uv")
    assert {"--universal", "--generate-hashes", "--no-header"} <= set(command)
    assert "requirements.lock" not in command
    assert "pyproject.toml" in command


def test_children_see_no_other_environment(tool):
    env = tool.child_env({"PYTHONPATH": "/x", "VIRTUAL_ENV": "/y", "HOME": "/h"})
    assert env == {"HOME": "/h", "PYTHONIOENCODING": "utf-8"}


def test_unknown_command_shows_the_usage(tool, capsys):
    assert tool.main(["reprot"]) == 2
    assert "Cách dùng" in capsys.readouterr().out


def test_speaks_vietnamese_where_the_system_has_no_letters_for_it():
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "run.py", "--help"], capture_output=True, env=env
    )
    assert done.returncode == 0
    assert "Cách dùng" in done.stdout.decode("utf-8")

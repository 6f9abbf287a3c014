"""``congdoan`` as a person meets it: help, mistakes on the command line, failures; in Vietnamese."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Run

from analysis.plan import Plan

Congdoan = Callable[..., Run]

COMMANDS = (
    *("report", "indicators", "check", "plan", "lab"),
    *("import", "withdraw", "history", "status", "changes", "export"),
)
#: What click says when nobody translates it.
ENGLISH = re.compile(
    r"\b(usage|options?|commands?|arguments?|show this|error|try|required|missing|invalid|no such"
    r"|unexpected|version|default|exit|does not exist|got|cannot|expected|range)\b",
    re.IGNORECASE,
)


def in_vietnamese(text: str) -> bool:
    """No English word of click's; names of options and of files do not count."""
    words = re.sub(r"--?[a-z-]+|«[^»]*»|\S+\.(?:csv|yaml|xlsx|parquet)|report\s", " ", text)
    return ENGLISH.search(words) is None


# Help


@pytest.mark.parametrize("command", [(), *((command,) for command in COMMANDS if command != "lab")])
def test_help_is_in_vietnamese_throughout(congdoan: Congdoan, command: tuple[str, ...]) -> None:
    run = congdoan(*command, "--help")
    assert (run.status, run.err) == (0, "")
    assert run.out.startswith("Cách dùng: congdoan")
    assert "Tuỳ chọn:" in run.out
    assert "Hiện hướng dẫn này." in run.out
    assert in_vietnamese(run.out), ENGLISH.findall(run.out)


def test_help_lists_every_command(congdoan: Congdoan) -> None:
    out = congdoan("--help").out
    assert "Lệnh:" in out
    listed = re.findall(r"^  ([a-z]+)  ", out, re.MULTILINE)
    assert set(COMMANDS) <= set(listed)


def test_without_a_command_the_help_is_shown_and_nothing_more(congdoan: Congdoan) -> None:
    run = congdoan()
    assert run.status == 2
    assert "Lệnh:" in run.out + run.err
    assert "chưa đúng" not in run.out + run.err


def test_the_version_is_told(congdoan: Congdoan) -> None:
    run = congdoan("--version")
    assert run.status == 0
    assert re.search(r"\d+\.\d+\.\d+", run.out)
    assert in_vietnamese(run.out)


# Mistakes on the command line


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["bogus"], "bogus"),
        (["indicators"], "thiếu --year"),
        (["report"], "thiếu --year.\nXem hướng dẫn: congdoan report --help"),
        (["indicators", "--year"], "--year"),
        (["indicators", "--year", "năm nay"], "số nguyên"),
        (["indicators", "--year", "2024", "--bogus"], "không có tuỳ chọn --bogus"),
        (["indicators", "--year", "2024", "extra"], "extra"),
        (["indicators", "--year", "2024", "--by", "huyện"], "huyện"),
        (["check", "--format", "xml"], "text, json"),
        (["report", "--year", "2024", "--jobs", "0"], "--jobs"),
        (["--bogus"], "không có tuỳ chọn --bogus"),
    ],
)
def test_a_mistake_on_the_command_line_is_told_in_vietnamese(
    congdoan: Congdoan, args: list[str], said: str
) -> None:
    run = congdoan(*args)
    assert (run.status, run.out) == (2, "")
    assert run.err.startswith("Lỗi: ")
    assert said in run.err
    assert in_vietnamese(run.err), run.err


def test_a_whole_number_out_of_range_is_not_called_no_whole_number(congdoan: Congdoan) -> None:
    run = congdoan("report", "--year", "2024", "--jobs", "0")
    assert not run.err.partition("\n")[0].endswith("phải là số nguyên.")


# Inputs that are not there, or not what they should be


def test_a_year_that_the_roster_does_not_have_names_those_that_it_has(
    congdoan: Congdoan, worked_folder: Path
) -> None:
    run = congdoan("indicators", "--year", 2031, "--data", worked_folder / "small")
    assert (run.status, run.out) == (1, "")
    assert "«2031»" in run.err
    assert "2022, 2023, 2024, 2025, 2026" in run.err


@pytest.mark.parametrize("command", ["indicators", "report", "check"])
def test_a_folder_that_is_not_there_is_told(
    congdoan: Congdoan, command: str, tmp_path: Path
) -> None:
    run = congdoan(command, "--year", 2024, "--data", tmp_path / "none")
    assert run.status == 1
    assert "không tìm thấy thư mục dữ liệu" in run.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("year: 2023\n", "tệp này dành cho năm 2023, không phải năm 2024"),
        ("lang: vi\nyears: 2024\n", "dòng 2, khóa years"),
        ("year: 2024\nmin_peers: 1\n", "dòng 2, khóa min_peers"),
        ("year: 2024\n\nassumptions: {union_density: nhiều}\n", "dòng 3"),
        ("year: [2024\n", "YAML"),
        ("lang: vi\nlang: en\n", "khóa lặp lại"),
    ],
)
def test_a_wrong_params_file_is_told_with_its_line(
    congdoan: Congdoan, text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    run = congdoan("indicators", "--year", 2024, "--params", tmp_path / "mine.yaml")
    assert (run.status, run.out) == (1, "")
    assert "mine.yaml" in run.err
    assert said in run.err
    assert str(tmp_path) not in run.err


@pytest.mark.parametrize("option", ["--params", "--plan"])
def test_a_settings_file_that_is_not_there_is_told(
    congdoan: Congdoan, option: str, tmp_path: Path
) -> None:
    run = congdoan("plan", option, tmp_path / "none.yaml")
    assert (run.status, run.out) == (1, "")
    assert "none.yaml: không tìm thấy tệp" in run.err


def test_a_place_that_cannot_be_written_to_is_told_in_vietnamese(
    congdoan: Congdoan, worked_folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "none" / "table.csv"
    run = congdoan("indicators", "--year", 2024, "--data", worked_folder / "small", "--out", target)
    assert run.status == 1
    assert run.err.startswith("Lỗi")
    assert in_vietnamese(run.err), run.err


def test_an_unknown_ending_is_told_and_nothing_is_written(
    congdoan: Congdoan, worked_folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "table.ods"
    run = congdoan("indicators", "--year", 2024, "--data", worked_folder / "small", "--out", target)
    assert run.status == 1
    assert ".csv, .parquet hoặc .xlsx" in run.err
    assert not target.exists()


# Failures


def test_an_unexpected_failure_is_one_vietnamese_message_without_a_traceback(
    congdoan: Congdoan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("hết chỗ")

    monkeypatch.delenv("CONGDOAN_DEBUG", raising=False)
    monkeypatch.setattr("analysis.params.load_params", fail)
    run = congdoan("plan")
    assert (run.status, run.out) == (1, "")
    assert "Lỗi ngoài dự kiến: RuntimeError: hết chỗ" in run.err
    assert "Traceback" not in run.err


def test_a_developer_may_ask_for_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    from analysis.cli import main

    def fail(*args: object) -> None:
        raise RuntimeError("hết chỗ")

    monkeypatch.setenv("CONGDOAN_DEBUG", "1")
    monkeypatch.setattr("analysis.params.load_params", fail)
    with pytest.raises(RuntimeError, match="hết chỗ"):
        main(["plan"])


@pytest.mark.parametrize(
    ("failure", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "Đã dừng theo yêu cầu"),
        (OSError(28, "No space left on device"), 1, "ổ đĩa đã đầy"),
        (
            PermissionError(13, "Permission denied", "bao-cao.csv"),
            1,
            "(bao-cao.csv): không có quyền",
        ),
    ],
    ids=["interrupted", "disk-full", "not-allowed"],
)
def test_an_interruption_or_a_full_disk_is_told_as_that(
    congdoan: Congdoan,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
    status: int,
    said: str,
) -> None:
    def fail(*args: object) -> None:
        raise failure

    monkeypatch.setattr("analysis.params.load_params", fail)
    run = congdoan("plan")
    assert run.status == status
    assert said in run.err


def test_a_reader_that_has_had_enough_is_no_failure_to_complain_about() -> None:
    """As in ``congdoan plan | head -1``: the pipe is closed before anything is written."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "analysis", "plan"],
            stdout=writer,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            check=False,
        )
    finally:
        os.close(writer)
    assert done.stderr == b""


# The plan


@pytest.fixture(scope="module")
def module_run() -> subprocess.CompletedProcess[bytes]:
    """``python -m analysis plan`` in a console that knows ASCII alone."""
    return subprocess.run(
        [sys.executable, "-m", "analysis", "plan"],
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=False,
    )


def test_python_m_analysis_is_congdoan(
    module_run: subprocess.CompletedProcess[bytes], congdoan: Congdoan
) -> None:
    assert (module_run.returncode, module_run.stderr) == (0, b"")
    out = module_run.stdout.decode("utf-8").replace("\r\n", "\n")
    assert out == congdoan("plan").out


def test_the_plan_is_printed_with_every_indicator_in_its_section(
    congdoan: Congdoan, plan: Plan
) -> None:
    run = congdoan("plan")
    assert (run.status, run.err) == (0, "")
    for item in plan.indicators:
        (line,) = re.findall(rf"^  {item.id}  .*$", run.out, re.MULTILINE)
        assert f"§{item.section}" in line
        assert item.kind in line
        for target in item.targets:
            assert str(target) in line
        assert item.title in run.out
    places = [run.out.index(f"\n  {item.id}  ") for item in plan.indicators]
    assert places == sorted(places)
    assert all(f"\n{section.id}. {section.title}\n" in run.out for section in plan.sections)


def test_another_plan_is_printed_as_well(congdoan: Congdoan, other_plan_file: Path) -> None:
    run = congdoan("plan", "--plan", other_plan_file)
    assert run.status == 0
    assert "founded_25" in run.out
    assert "informed_public" not in run.out


@pytest.mark.parametrize("command", ["report", "check", "status"])
@pytest.mark.parametrize("year", [99999, 1900])
def test_a_year_that_is_none_is_blamed_on_no_file(
    congdoan: Callable[..., Run], command: str, year: int
) -> None:
    run = congdoan(command, "--year", year)
    assert run.status == 1
    assert run.err.startswith(f"LỖI tham số year (giá trị «{year}»): năm phải từ 1990 đến 2100")

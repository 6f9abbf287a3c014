"""Settings, folders and runs as people really have them: read, asked about, or refused in words."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from analysis.language.language import load_language
from analysis.params import load_params
from analysis.plan import load_plan
from analysis.problems import InputError, Problem

ROOT = Path(__file__).parents[1]

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

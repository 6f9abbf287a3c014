"""Set the project up and run it: the same commands on Windows, macOS and Linux.

    python tools/run.py report --year 2024

Needs nothing but Python itself; the Makefile only calls it. Whatever stands after a command's name
is passed on: to `congdoan report`, `congdoan lab`, or pytest.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

MIN_PYTHON = (3, 11)
DEFAULT_YEAR = "2024"
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
PYPROJECT = ROOT / "pyproject.toml"
# Written last: a set-up without it was interrupted.
STAMP = VENV / "congdoan-setup.txt"

LOCK_HEADER = """\
# Every package that the project runs, is tested and is built with: exact versions and hashes,
# one file for Linux, macOS and Windows. Made from pyproject.toml by `python tools/run.py lock`;
# do not edit by hand.
"""
APT_PACKAGES = (
    "chromium",
    "poppler-utils",
    "fonts-dejavu-core",
    "fonts-liberation2",
    "libreoffice-calc-nogui",  # opens the forms as a second program would
    "strace",  # fails or kills at a chosen write
)
# What the tests run, and what for.
TEST_PROGRAMS = {
    "pdfinfo": "gói poppler-utils, xem bản in PDF",
    "pdftoppm": "gói poppler-utils, xem bản in PDF",
    "soffice": "LibreOffice, mở thử biểu mẫu Excel và báo cáo Word",
    "strace": "gây lỗi đúng lần ghi thứ N",
}
CACHES = (".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", "build", "dist")

USAGE = """\
Cách dùng: python tools/run.py LỆNH [tuỳ chọn]

  report [--year 2024] [...]  cài đặt nếu cần, rồi lập báo cáo năm (tuỳ chọn của `congdoan report`)
  lab [...]                   mở sổ tay trong JupyterLab
  setup                       chỉ cài đặt môi trường .venv
  test [...]                  ruff, mypy, pytest (tuỳ chọn của pytest)
  quick [...]                 như test, bỏ các kiểm thử lâu
  lint                        ruff, mypy
  lock                        khoá lại phiên bản các gói (cần uv)
  clean                       xoá môi trường và bộ nhớ đệm; giữ nguyên reports/"""


class SetupError(Exception):
    """Something the user has to know; its text is the whole message."""


def say(message: str) -> None:
    """Print at once, so that the order holds between this process and its children."""
    print(message, flush=True)


# --- running other programs ------------------------------------------------------------------


def child_env(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment for children: UTF-8 output, and no other Python's settings.

    They keep what they compile: uv compiles nothing, and pandas anew takes a second each time.
    """
    unwanted = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
    env = {k: v for k, v in environ.items() if k not in unwanted}
    env["PYTHONIOENCODING"] = "utf-8"
    return env


def run(command: Sequence[str | Path]) -> int:
    """Run a command in the project's folder and return its exit status.

    Ctrl-C reaches the child as well: wait until it has put its things in order, where
    `subprocess.run` would kill it.
    """
    try:
        process = subprocess.Popen([str(part) for part in command], cwd=ROOT, env=child_env())
    except OSError as error:
        raise SetupError(f"Không chạy được {command[0]}: {error}") from error
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise


def must_run(command: Sequence[str | Path]) -> None:
    """Run a command that has to succeed."""
    status = run(command)
    if status:
        raise SetupError(f"Lệnh thất bại (mã {status}): {' '.join(map(str, command))}")


def find_uv() -> str | None:
    """Return uv's path if it is there and starts (a pyenv shim may be there and not start)."""
    uv = shutil.which("uv")
    if uv is None:
        return None
    probe = subprocess.run([uv, "--version"], capture_output=True, cwd=ROOT)
    return uv if probe.returncode == 0 else None


# --- the environment -------------------------------------------------------------------------


def python_problem(version: Sequence[int]) -> str | None:
    """Say what is wrong with this Python, if anything."""
    if tuple(version[:2]) >= MIN_PYTHON:
        return None
    needed, found = (".".join(map(str, v[:2])) for v in (MIN_PYTHON, version))
    return f"Cần Python {needed} trở lên; đang chạy Python {found}. Hãy cài bản mới rồi chạy lại."


def venv_program(name: str) -> Path:
    """Return the path of a program inside the environment."""
    return VENV / "Scripts" / f"{name}.exe" if os.name == "nt" else VENV / "bin" / name


def base_python() -> str:
    """Return the interpreter to build with: never the environment's own, which may be removed."""
    return getattr(sys, "_base_executable", None) or sys.executable


def make_stamp(lock: bytes, pyproject: bytes, python: str, root: Path) -> str:
    """Return a digest of everything that an environment depends on.

    The folder is part of it: programs inside an environment name it, so a moved or copied
    environment is of no use.
    """
    digest = hashlib.sha256()
    for part in (lock, pyproject, python.encode(), str(root).encode()):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def current_stamp() -> str:
    """Return the stamp that an up-to-date environment carries."""
    python = f"{platform.python_implementation()} {platform.python_version()} {platform.machine()}"
    return make_stamp(LOCK.read_bytes(), PYPROJECT.read_bytes(), python, ROOT)


def is_set_up(stamp: str) -> bool:
    """Tell whether the environment was finished, for these files and this Python."""
    if not (STAMP.is_file() and venv_program("python").exists()):
        return False
    return STAMP.read_text(encoding="utf-8").strip() == stamp


def setup_commands(uv: str | None, python: str, venv_python: Path) -> list[list[str]]:
    """Return the commands that build the environment: with uv where there is one, else pip.

    The project itself comes last, without dependencies or a build environment of its own, so that
    nothing is installed that the lock does not name.
    """
    editable = ["--no-deps", "--no-build-isolation", "-e", "."]
    locked = ["--require-hashes", "-r", LOCK.name]
    if uv:
        install = [uv, "pip", "install", "--quiet", "--python", str(venv_python)]
        make = [uv, "venv", "--quiet", "--python", python, VENV.name]
    else:
        install = [str(venv_python), "-m", "pip", "install", "--quiet"]
        install += ["--disable-pip-version-check", "--no-input"]
        make = [python, "-m", "venv", VENV.name]
    return [make, [*install, *locked], [*install, *editable]]


def remove_venv() -> None:
    """Remove the environment, whole: a half-made or outdated one is never patched up."""
    STAMP.unlink(missing_ok=True)
    try:
        shutil.rmtree(VENV)
    except FileNotFoundError:
        return
    except OSError as error:
        raise SetupError(
            f"Không xoá được {VENV.name} ({error}).\n"
            "Hãy đóng JupyterLab và các cửa sổ đang dùng nó (hoặc gõ `deactivate`) rồi chạy lại."
        ) from error


def setup() -> None:
    """Make the environment, unless it is there and up to date."""
    stamp = current_stamp()
    if is_set_up(stamp):
        return
    uv = find_uv()
    duration = "khoảng nửa phút" if uv else "vài phút"
    say(f"Đang cài đặt các gói vào .venv ({duration}, chỉ lần đầu hoặc khi có thay đổi)…")
    remove_venv()
    for command in setup_commands(uv, base_python(), venv_program("python")):
        must_run(command)
    STAMP.write_text(stamp + "\n", encoding="utf-8")
    say("Đã cài đặt xong.")


# --- a browser for the page tests ------------------------------------------------------------


def has_browser() -> bool:
    """Tell whether the page tests will find a browser."""
    command = [venv_program("python"), ROOT / "tests" / "browser.py"]
    return subprocess.run(command, capture_output=True, env=child_env()).returncode == 0


def missing_programs() -> list[str]:
    """Return what the tests run beside a browser and this machine lacks."""
    return [name for name in TEST_PROGRAMS if not shutil.which(name)]


def apt_commands(is_root: bool) -> list[list[str]]:
    """Return the commands that install what the page tests need on Debian and Ubuntu."""
    sudo = [] if is_root else ["sudo", "-n"]
    # Another program may be installing something at this moment: wait for it.
    wait = ["-o", "DPkg::Lock::Timeout=120"]
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", *wait]
    return [[*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", *APT_PACKAGES]]


def apt_install() -> None:
    """Try Debian's packages, where there are any; whoever asked looks at what came of it."""
    if not shutil.which("apt-get"):
        return
    is_root = os.geteuid() == 0
    if not is_root and not shutil.which("sudo"):
        return
    say("Đang cài trình duyệt và các công cụ cho kiểm thử (apt-get)…")
    for command in apt_commands(is_root):
        run(command)


def ensure_browser() -> None:
    """Get the page tests a browser; without one they would fail, and are never skipped."""
    if has_browser() and not missing_programs():
        return
    apt_install()
    for name in missing_programs():
        say(f"Thiếu {name} ({TEST_PROGRAMS[name]}): các kiểm thử dùng nó sẽ không đạt.")
    if has_browser():
        return
    say("Đang tải trình duyệt cho kiểm thử (playwright)…")
    run([venv_program("python"), "-m", "playwright", "install", "chromium"])
    if not has_browser():
        raise SetupError(
            "Không có trình duyệt cho kiểm thử trang. Hãy cài Chromium, Chrome hoặc Edge,\n"
            "hoặc đặt biến môi trường CONGDOAN_BROWSER bằng đường dẫn tới trình duyệt."
        )


# --- the commands ----------------------------------------------------------------------------


def report_args(args: Sequence[str]) -> list[str]:
    """Return the options of `congdoan report`, with the default year where none is named."""
    names_year = any(arg == "--year" or arg.startswith("--year=") for arg in args)
    return list(args) if names_year else ["--year", DEFAULT_YEAR, *args]


def report(args: Sequence[str]) -> int:
    """Set up and make one year's report."""
    setup()
    return run([venv_program("congdoan"), "report", *report_args(args)])


def lab(args: Sequence[str]) -> int:
    """Set up and open JupyterLab."""
    setup()
    return run([venv_program("congdoan"), "lab", *args])


def lint_checks() -> dict[str, list[str]]:
    """Return the checks that read the code without running it: name -> arguments of `python`."""
    return {
        "ruff check": ["-m", "ruff", "check", "."],
        "ruff format": ["-m", "ruff", "format", "--check", "."],
        "mypy": ["-m", "mypy"],
    }


def run_checks(checks: Mapping[str, Sequence[str]]) -> int:
    """Run every check, a line for each, and return the first failing status."""
    failed: dict[str, int] = {}
    for name, arguments in checks.items():
        status = run([venv_program("python"), *arguments])
        say(f"[{'KHÔNG ĐẠT' if status else 'đạt'}] {name}")
        if status:
            failed[name] = status
    if failed:
        say(f"Chưa đạt: {', '.join(failed)}")
    return next(iter(failed.values()), 0)


def lint(args: Sequence[str]) -> int:
    """Set up, then ruff and mypy."""
    setup()
    return run_checks(lint_checks())


def test(args: Sequence[str]) -> int:
    """Set up, get a browser, then ruff, mypy and pytest."""
    setup()
    ensure_browser()
    return run_checks({**lint_checks(), "pytest": ["-m", "pytest", *args]})


def quick(args: Sequence[str]) -> int:
    """Set up, then ruff, mypy and the tests that need no browser and no site: a developer's loop."""
    setup()
    return run_checks({**lint_checks(), "pytest": ["-m", "pytest", "-q", "-m", "not slow", *args]})


def lock_command(uv: str) -> list[str]:
    """Return the command that prints the lock.

    It writes no file, since uv takes over the versions of a lock that is already there, and names
    no package index.
    """
    groups = [word for group in ("dev", "build") for word in ("--group", group)]
    options = ["--universal", "--generate-hashes", "--python-version", "3.11", "--no-header"]
    return [uv, "pip", "compile", "--quiet", PYPROJECT.name, *groups, *options]


def lock(args: Sequence[str]) -> int:
    """Choose all versions anew."""
    uv = find_uv()
    if uv is None:
        raise SetupError("Cần uv để khoá phiên bản: python -m pip install uv")
    done = subprocess.run(lock_command(uv), stdout=subprocess.PIPE, cwd=ROOT, env=child_env())
    if done.returncode:
        raise SetupError("Không khoá được phiên bản; requirements.lock giữ nguyên.")
    LOCK.write_bytes(LOCK_HEADER.encode() + done.stdout.replace(b"\r\n", b"\n"))
    say("Đã viết requirements.lock.")
    return 0


def clean(args: Sequence[str]) -> int:
    """Remove the environment and all caches; what was made for the user stays."""
    remove_venv()
    caches = [ROOT / name for name in CACHES]
    for folder in ("src", "tests", "tools"):
        caches += (ROOT / folder).rglob("__pycache__")
    for cache in caches:
        shutil.rmtree(cache, ignore_errors=True)
    say("Đã xoá môi trường .venv và bộ nhớ đệm (reports/ giữ nguyên).")
    return 0


def setup_only(args: Sequence[str]) -> int:
    """Set up and say so."""
    setup()
    say("Môi trường .venv đã sẵn sàng.")
    return 0


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "report": report,
    "lab": lab,
    "setup": setup_only,
    "test": test,
    "quick": quick,
    "lint": lint,
    "lock": lock,
    "clean": clean,
}


def main(argv: Sequence[str]) -> int:
    """Run the command that the arguments name."""
    # A Windows console or LANG=C has no Vietnamese letters.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")
    problem = python_problem(sys.version_info)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    if not argv or argv[0] not in COMMANDS:
        print(USAGE)
        return 0 if argv and argv[0] in ("-h", "--help", "help") else 2
    try:
        return COMMANDS[argv[0]](argv[1:])
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Đã dừng.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

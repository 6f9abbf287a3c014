"""What the tests share: the plans, and the command line run inside the test's own process."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import pytest
from _pytest.doctest import DoctestModule
from hypothesis import settings
from shared import FOLDER, sample

from analysis.loading import forget, keep_warm
from analysis.plan import Plan, load_plan

ROOT = Path(__file__).parents[1]

# Every process that a test starts would compile pandas and all else anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The same examples on every run and machine, no folder of found ones, no clock.
settings.register_profile("suite", derandomize=True, database=None, deadline=None)
settings.load_profile("suite")

# What `make quick` leaves out: a browser, LibreOffice, JupyterLab, whole sites, fuzzing, random data,
# offices' files, pages and their examples, each of which costs seconds.
SLOW = [
    "answers",
    "cases_*",
    "cli_check",
    "cli_indicators",
    "engine_completions",
    "engine_oracle",
    "engine_properties",
    "exploring",
    "handouts",
    "intake_files",
    "intake_forms",
    "intake_persons",
    "intake_tasks",
    "language",
    "lineage",
    "notebooks",
    "office_lists",
    "own_columns",
    "pages_*",
    "peoples_text",
    "plot",
    "redaction",
    "redaction_*",
    "reports_board",
    "reports_consistency",
    "reports_figures",
    "reports_names",
    "reports_own",
    "reports_plan",
    "reports_share",
    "reports_tasks",
    "site_*",
    "store",
    "store_*",
    "tables",
    "tables_files",
    "tasks",
    "word",
    "word_numbers",
]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Examples())
    if not hasattr(config, "workerinput"):
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="congdoan-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ[FOLDER], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        name = item.path.stem.removeprefix("test_")
        if any(fnmatch(name, pattern) for pattern in SLOW):
            item.add_marker(pytest.mark.slow)
    # The dear files first: no worker shall begin one when the others are done. pytest-xdist would
    # sort anew, by the number of tests: hence --no-loadscope-reorder.
    # Two that need the same sites do not begin side by side: one would wait for the other's.
    items.sort(
        key=lambda item: (
            item.get_closest_marker("slow") is None,
            item.path.stem == "test_pages_print",
        )
    )


class Examples:
    """A plugin: a fixture of this module itself would be one of the tests beside it alone."""

    @pytest.fixture(scope="module", autouse=True)
    @classmethod
    def _examples_share_the_sample(cls, request: pytest.FixtureRequest) -> Iterator[None]:
        """Nearly each example in a docstring begins with ``load(2024)``, which takes a second."""
        if isinstance(request.node, DoctestModule):
            keep_warm(sample())
            yield
            forget()
        else:
            yield


class Run(NamedTuple):
    """What one call of ``congdoan`` left behind."""

    status: int
    out: str
    err: str


@pytest.fixture(scope="session")
def plan_file() -> Path:
    return ROOT / "params" / "plan" / "nq02-huong-hoa.yaml"


@pytest.fixture(scope="session")
def plan(plan_file: Path) -> Plan:
    return load_plan(plan_file)


@pytest.fixture(scope="session")
def other_plan_file() -> Path:
    return ROOT / "tests" / "plans" / "tinh.yaml"


@pytest.fixture(scope="session")
def worked_folder() -> Path:
    return ROOT / "tests" / "data" / "worked"


@pytest.fixture
def congdoan(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Run ``congdoan`` with these arguments, as a user would, and return what came of it."""
    from analysis.cli import main

    def run(*args: object) -> Run:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(arg) for arg in args])
        sys.stdout.flush()
        out, err = capsys.readouterr()
        return Run(int(stop.value.code or 0), out, err)

    return run

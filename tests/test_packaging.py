"""The set-up files agree with each other, and say nothing of the machine they came from."""

import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from rattler import BuildString, MatchSpec, PackageRecord

ROOT = Path(__file__).resolve().parent.parent
# conda-forge's names, where they differ from PyPI's.
CONDA_NAMES = {"matplotlib": "matplotlib-base"}
LOCK_ENTRY = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+))?")
# In pieces, so that this file does not contain them.
FORBIDDEN = ["/wo" + "rk/", "../sha" + "red", "py" + "pi.org", "files.python" + "hosted"]


class Locked(NamedTuple):
    version: str
    marker: Marker | None
    hashes: int


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def pyproject():
    return tomllib.loads(read("pyproject.toml"))


def requirements(*names):
    """Return the requirements of the project ("dependencies") or of groups."""
    tables = {"dependencies": pyproject()["project"]["dependencies"]}
    tables |= pyproject()["dependency-groups"]
    return [Requirement(text) for name in names for text in tables[name]]


@cache
def locked():
    """Return the lock's entries: canonical name -> one for each marker."""
    entries = {}
    joined = read("requirements.lock").replace("\\\n", " ")
    for line in joined.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pin, *hashes = line.split(" --hash=sha256:")
        match = LOCK_ENTRY.fullmatch(pin.strip())
        assert match, f"not an exact pin: {line[:80]}"
        marker = Marker(match["marker"]) if match["marker"] else None
        entry = Locked(match["version"], marker, len(hashes))
        entries.setdefault(canonicalize_name(match["name"]), []).append(entry)
    return entries


@cache
def conda_specs():
    """Return environment.yml's packages: conda name -> its MatchSpec and its lower bound."""
    specs = {}
    for text in yaml.safe_load(read("environment.yml"))["dependencies"]:
        assert isinstance(text, str), f"only conda packages: {text}"
        name, _, bound = text.partition(" ")
        specs[name] = (MatchSpec(text), bound)
    return specs


def floor(requirement):
    """Return a requirement's lower bound as environment.yml should have it."""
    (bound,) = [s for s in requirement.specifier if s.operator == ">="]
    return f">={bound.version}"


def conda_name(requirement):
    return CONDA_NAMES.get(requirement.name, requirement.name)


def conda_record(name, version):
    build = BuildString("py_0")
    return PackageRecord(name=name, version=version, build=build, build_number=0, subdir="noarch")


def committed_files():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode("utf-8")
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_every_requirement_has_a_floor_except_stubs():
    for requirement in requirements("dependencies", "dev", "build"):
        assert requirement.name.startswith("types-") or floor(requirement)


@pytest.mark.parametrize("requirement", requirements("dependencies", "build"), ids=str)
def test_environment_has_each_requirement_with_its_floor(requirement):
    assert conda_specs()[conda_name(requirement)][1] == floor(requirement)


def test_environment_has_nothing_else():
    wanted = {conda_name(r) for r in requirements("dependencies", "build")}
    assert set(conda_specs()) == wanted | {"python", "pip"}


def test_environment_uses_conda_forge_alone_and_the_same_python():
    environment = yaml.safe_load(read("environment.yml"))
    assert environment["name"] == "congdoan"
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert conda_specs()["python"][1] == pyproject()["project"]["requires-python"]


def test_build_group_is_what_the_build_needs():
    declared = pyproject()["build-system"]["requires"]
    assert sorted(declared) == sorted(pyproject()["dependency-groups"]["build"])


@pytest.mark.parametrize("requirement", requirements("dependencies", "dev", "build"), ids=str)
def test_lock_satisfies_pyproject(requirement):
    entries = locked()[canonicalize_name(requirement.name)]
    for entry in entries:
        assert requirement.specifier.contains(Version(entry.version))


@pytest.mark.parametrize("requirement", requirements("dependencies", "build"), ids=str)
def test_lock_satisfies_environment(requirement):
    spec = conda_specs()[conda_name(requirement)][0]
    for entry in locked()[canonicalize_name(requirement.name)]:
        assert spec.matches(conda_record(conda_name(requirement), entry.version))


def test_environment_refuses_what_is_below_its_floor():
    # Proof that the comparison above can fail.
    spec = conda_specs()["pandas"][0]
    assert not spec.matches(conda_record("pandas", "2.3.3"))
    assert not spec.matches(conda_record("numpy", "3.0"))


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("system", ["linux", "win32", "darwin"])
def test_lock_has_one_version_of_everything_everywhere(python, system):
    target = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": system,
        "os_name": "nt" if system == "win32" else "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    for name, entries in locked().items():
        active = [e for e in entries if e.marker is None or e.marker.evaluate(target)]
        assert len(active) <= 1, name
    for requirement in requirements("dependencies", "dev", "build"):
        entries = locked()[canonicalize_name(requirement.name)]
        assert any(e.marker is None or e.marker.evaluate(target) for e in entries)


def test_lock_has_hashes_and_no_address():
    assert all(entry.hashes for entries in locked().values() for entry in entries)
    assert "://" not in read("requirements.lock")
    assert not re.search(r"^\s*-(?!-hash)", read("requirements.lock"), re.MULTILINE)


def test_makefile_has_its_targets():
    targets = set(re.findall(r"^(\w+):", read("Makefile"), re.MULTILINE))
    assert targets == {"report", "test", "quick", "lint", "lock", "lab", "clean"}


def test_no_committed_file_names_this_machine():
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in committed_files()
        for word in FORBIDDEN
        if word.encode() in path.read_bytes()
    ]
    assert found == []


def test_notebooks_are_committed_without_results():
    stale = []
    for path in committed_files():
        if path.suffix != ".ipynb":
            continue
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        if any(cell.get("outputs") or cell.get("execution_count") for cell in cells):
            stale.append(path.name)
    assert stale == []


def test_the_library_reference_is_what_the_docstrings_say():
    """Of every function that it names, and it names all: `tools/reference.py` writes it anew."""
    code = "import reference, sys; sys.stdout.reconfigure(encoding='utf-8'); print(reference.write_reference(), end='')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "tools", capture_output=True, check=True
    )
    assert done.stdout.decode() == read("docs/thu-vien.md")

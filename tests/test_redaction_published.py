"""All that a share edition publishes, against data that differ only in what its tables hide.

From other data that give the same redacted tables every file must come out the same, byte for byte:
pages, areas, task boards, index, data, sheets, messages, Word. A text that says one thing more about
a hidden count differs. That the redacted tables themselves give nothing back: ``test_redaction``.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd
import pytest
from conftest import ROOT
from test_pages_kit import START
from test_redaction import (
    Exchange,
    Form,
    World,
    asked_for,
    changed,
    is_free_text,
    persons_in,
    worlds_of,
)
from test_redaction import _net as net_of

from analysis.loading import forget, open_study
from analysis.params import load_params
from analysis.redaction import edition
from analysis.redaction.published import Respondents, is_persons
from analysis.results.rollups import Sources, open_sources
from analysis.site.build import as_csv, build_site, write_documents
from analysis.site.ledger import Layout, fingerprint
from analysis.site.run import Order
from analysis.study import Study
from analysis.tables.dictionary import dictionary

YEARS = (2023, 2024)
#: Communes of one, two and more units.
COMMUNES = {
    "Thanh": ["DN-BAMAY"],
    "Xy": ["XA-THUAN", "TH-THUAN"],
    "Thuận": ["MN-THUAN", "DN-KHEMO", "DN-NUICAM"],
}
#: So many units of each commune union; the others' are the district's own.
PARENTS = {"CDX-KHESANH": ["MN-THUAN"], "CDX-LAOBAO": ["XA-THUAN", "DN-KHEMO"]}
#: Whose places have one unit or two.
ALONE = {
    (YEARS[-1], unit)
    for units in (*COMMUNES.values(), *PARENTS.values())
    if len(units) < 3
    for unit in units
}
UNITS = [unit for units in COMMUNES.values() for unit in units]
#: Who gets a Word report beside the year's: the only unit of its union, and one with words of people.
DOCUMENTS = ["MN-THUAN", "DN-NUICAM"]
SECRET = "Lời kín của ông Nguyễn Văn Kín, 3 người"


def write_base(folder: Path) -> Path:
    """A few units of the sample in places that they fill alone, with notes, tasks and words."""
    shutil.copytree(ROOT / "data" / "sample", folder, ignore=lambda *_: ["shared.json"])
    commune = {unit: name for name, units in COMMUNES.items() for unit in units}
    parent = {unit: name for name, units in PARENTS.items() for unit in units}
    for path in folder.glob("*.csv"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        if "year" in table:
            table = table[table["year"].isin(list(map(str, YEARS)))]
        for column, others in (("unit_id", [""]), ("holder_id", ["LDLD-HUONG-HOA"])):
            if column in table:
                table = table[table[column].isin([*UNITS, *others])]
        if path.stem == "roster":
            table = table.assign(
                commune=table["unit_id"].map(commune), parent=table["unit_id"].map(parent)
            )
        if path.stem == "lineage":
            table = table[:0]
        table.to_csv(path, index=False)
    return folder


def told_by(folder: Path, edition: str) -> Study:
    forget()  # what the last site was made from
    params = load_params(YEARS[-1], root=ROOT)
    return open_study(params.model_copy(update={"data": str(folder), "edition": edition}), ROOT)


def kind_of(form: Form) -> frozenset[tuple[int, str, int]]:
    """What is counted in an amount and when, whoever it is of."""
    return frozenset((year, column, factor) for (year, _, column), factor in form.items())


def movable(study: Study) -> list[Exchange]:
    """Persons moved so that all that is published fits: of most kinds of amounts, then of most.

    A unit takes part in one exchange: two of them together are not proven to fit.
    """
    truth = World(study)
    found = {exchange for world in worlds_of(study, truth) for exchange in world}
    secrets = [form for _, form in truth.secrets]
    moves = {one: {i for i, form in enumerate(secrets) if one.change(form)} for one in found}
    # Every hidden amount can be moved; how many are at once is what the units leave room for.
    assert set().union(*moves.values()) == set(range(len(secrets)))
    kinds = {one: {kind_of(secrets[i]) for i in its} for one, its in moves.items()}
    left, moved = sorted(found, key=lambda one: one.steps), list[Exchange]()
    while left:
        best = max(
            left,
            key=lambda one: (
                len(kinds[one]) / len(one.members),
                len(moves[one]) / len(one.members),
            ),
        )
        moved.append(best)
        kinds = {one: its - kinds[best] for one, its in kinds.items()}
        moves = {one: its - moves[best] for one, its in moves.items()}
        left = [one for one in left if not one.members & best.members]
    return moved


def write_other(study: Study, exchanges: list[Exchange], folder: Path) -> Path:
    """The data set with persons moved, and all else changed that no published table holds."""
    shutil.copytree(Path(study.params.data), folder)
    asked = asked_for(study.plan)
    for name, frame in changed(study.dataset, exchanges, study.plan).tables.items():
        described = dictionary().tables[name]
        for key, column in described.columns.items():
            cells, kind = frame[key], column.type.name
            if kind == "money":  # within its band and its whole percent
                cells = cells + cells.gt(0)
            elif name == "tasks" and kind == "count":
                cells = cells + 1
            elif is_persons(column) and key not in asked and key not in described.key:
                cells = cells.mask(cells.notna(), 0)
            elif is_free_text(column, described.key):
                cells = cells.mask(cells.notna(), SECRET)
            frame = frame.assign(**{key: cells})
        if (folder / f"{name}.csv").exists():
            (folder / f"{name}.csv").write_text(as_csv(frame), "utf-8")
    for path in (folder / "loi-van").rglob("*.md"):
        path.write_text(f"# Đặc điểm tình hình\n\n{SECRET}\n", "utf-8")
    return folder


class Published(NamedTuple):
    """A share edition, and what was moved in the other: their sites should be the same."""

    study: Study
    site: Path
    other: Path
    moved: list[Exchange]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("published")
    exact = told_by(write_base(folder / "base"), "internal")
    moved = movable(exact)
    data, sites, first = folder / "data", list[Path](), None
    sources = open_sources(exact.dataset, exact.plan)

    def read_the_first(_: Sources, over: Literal["units", "employers"], year: int) -> Respondents:
        """Decide as for the first: a reader of its edition cannot know of another decision."""
        return Respondents(sources, over, year)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edition, "Respondents", read_the_first)
        for name, exchanges in (("first", []), ("other", moved)):
            shutil.rmtree(data, ignore_errors=True)
            if exchanges:
                write_other(exact, exchanges, data)
            else:
                shutil.copytree(folder / "base", data)
            study = told_by(data, "share")
            first = first or study
            sites.append(folder / name / str(YEARS[-1]))
            order = Order(briefs=True, progress=False, start=START)
            recap = build_site(study, sites[-1], order, fingerprint(study.params, ROOT))
            assert recap.is_done
            write_documents(study, Layout(sites[-1]), DOCUMENTS, asked=True)
    assert first is not None
    return Published(first, sites[0], sites[1], moved)


def files_of(site: Path) -> dict[str, bytes]:
    """All that is sent, without the times and the hashes of pages that name them."""
    files = {str(path.relative_to(site)): path for path in site.rglob("*") if path.is_file()}
    times = rb'\d{4}-\d\d-\d\d \d\d:\d\d UTC|"(made_at|sha256)": "[^"]*"'
    return {name: re.sub(times, b"", path.read_bytes()) for name, path in files.items()}


def test_data_that_differ_in_what_is_hidden_give_the_same_files(published: Published) -> None:
    ours = files_of(published.site)
    kinds = {re.sub(r"[^/]+(?=[.][a-z]+$)", "*", name) for name in ours}
    assert kinds >= {"area/*.html", "cdcs/*.html", "cdcs/*.docx", "messages/*.txt", "data/*.csv"}
    assert {"index.html", "year.html", "briefs.html", "messages.csv", "bao-cao-2024.docx"} <= set(
        ours
    )
    theirs = files_of(published.other)
    assert [name for name in ours | theirs if ours.get(name) != theirs.get(name)] == []


def test_the_data_differ_in_all_kinds_of_places(published: Published) -> None:
    """Also where a commune or its union has one unit or two: its sums do not open theirs."""
    truth = World(told_by(published.site.parents[1] / "base", "internal"))
    net = net_of(published.moved)
    assert {cell[:2] for cell, step in net.items() if step} >= ALONE
    told = [form for _, form in truth.secrets]
    moved = [form for form in told if sum(f * net[c] for c, f in form.items())]
    assert len(moved) / len(told) > 0.45
    assert len({*map(kind_of, moved)}) / len({*map(kind_of, told)}) > 0.6


def test_a_share_site_holds_no_few_persons_no_amounts_and_no_words_of_people(
    published: Published,
) -> None:
    ledger = json.loads((published.site / "ledger.json").read_text("utf-8"))
    assert ledger["edition"] == "share"
    table, units = (
        pd.read_csv(published.site / "data" / f"{name}.csv") for name in ("indicators", "units")
    )
    persons = table["indicator"].isin(persons_in(published.study.plan))
    assert not table.loc[persons, "numerator"].between(1, 7).any()
    money = table["flags"].fillna("").str.contains("banded")
    assert money.any()
    assert table.loc[money, ["numerator", "denominator"]].isna().all().all()
    assert not units[["workers_total", "members_total"]].isin(range(1, 8)).any().any()
    assert units["hidden"].fillna("").str.contains("members_total").any()
    written = pd.read_csv(published.site.parents[1] / "base" / "returns.csv")["note"].dropna()
    said = (published.site.parents[1] / "base" / "loi-van" / "2024.md").read_text("utf-8")
    told = [*written, *re.findall(r"^[^#\n].{30}", said, re.M), SECRET, "Nội bộ"]
    assert len(told) > 4
    for site in (published.site, published.other):
        for path in site.rglob("*.*"):
            text = text_of(path)
            assert [words for words in told if words in text] == [], path


def text_of(path: Path) -> str:
    if path.suffix != ".docx":
        return html.unescape(path.read_text("utf-8"))
    with zipfile.ZipFile(path) as parts:
        return re.sub("<[^>]*>", "", parts.read("word/document.xml").decode())

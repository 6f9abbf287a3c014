"""A page of the edition to share knows that edition alone, however its kernel is started."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from test_site_kit import (
    END,
    UNITS,
    make_notebook,
    make_study,
    make_task,
    needs_fork,
    write_notebooks,
    write_template,
)

from analysis.loading import open_study
from analysis.pages.template import TEMPLATE
from analysis.params import Params, find_root
from analysis.site.build import build_site
from analysis.site.engine import Seal
from analysis.site.ledger import fingerprint
from analysis.site.pages import make_pages
from analysis.site.run import Order, Start

#: What a cell of each unit's page does, and how its page fails.
CELLS = {
    "DN-DABAN": ("print(*seen(analysis.load(year)))", ""),
    "DN-RLAN": ("print(*seen(analysis.load(year, edition='internal', min_peers=3)))", ""),
    "MN-LIA": ("print(*seen(own.study))", ""),
    "TH-HUC": (
        "refused(pandas.read_csv, f'{folder}-cu/returns.csv'); pandas.read_csv(f'{folder}/returns.csv')",
        "không được đọc số liệu gốc",
    ),
    "XA-XY": ("sqlite3.connect(Path(folder) / 'store.sqlite')", "không được đọc số liệu gốc"),
    "DN-NUICAM": (
        "refused(os.system, f'cat {folder}/returns.csv'); analysis.load(year, plan='tests/plans/tinh.yaml')",
        "chỉ dùng được đúng",
    ),
}
SETUP = """
import os, sqlite3, pandas, analysis
from pathlib import Path
def seen(study):
    own = study.table[(study.table.year == year) & (study.table.scope == "district")]
    return study.params.edition, own.numerator.notna().sum(), study.dataset.returns.informed.sum()
def refused(act, given):
    try:
        act(given)
    except analysis.InputError as failure:
        assert "sổ tay của bản chia sẻ không được" in str(failure)
    else:
        raise AssertionError(given)
"""


def shared_params(folder: Path) -> Params:
    return make_study(folder).params.model_copy(update={"edition": "share"})


@pytest.mark.parametrize("start", [pytest.param("fork", marks=needs_fork), "spawn"])
def test_a_shared_page_gets_no_exact_figure(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A module of the office's own reads what it can as soon as it is imported.
    monkeypatch.syspath_prepend(tmp_path / "modules")
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / f"own_{start}.py").write_text(
        f"import analysis\nstudy = analysis.load(2024, data={str(tmp_path / 'data')!r})\n"
    )
    study = open_study(shared_params(tmp_path / "data"), find_root())
    shutil.copytree(tmp_path / "data", tmp_path / "data-cu")
    # A process of its own reads all tables anew: the year's page that may, one that may not will do.
    units = [*CELLS] if start == "fork" else ["TH-HUC"]
    other = ", data='data/sample'" if start == "fork" else ""
    cells = {unit: CELLS[unit][0] for unit in units}
    notebooks = write_notebooks(
        tmp_path / "notebooks",
        SETUP
        + f"import own_{start} as own\nfolder = {str(tmp_path / 'data')!r}\nCELLS = {cells!r}",
        "exec(CELLS[unit_id])",
        year_cells=[SETUP + f"print(*seen(analysis.load(year{other})))"],
    )
    recap = build_site(
        study,
        tmp_path / "site" / "2024",
        Order(
            start=start,
            units=units,
            notebooks=notebooks,
            template=write_template(tmp_path / "templates"),
            progress=False,
        ),
    )
    told = {unit: str(failure) for unit, _, failure in recap.failures}
    assert set(told) == {*([None] if other else []), *(u for u in units if CELLS[u][1])}
    for unit in units:
        assert CELLS[unit][1] in told.get(unit, ""), told
    assert not other or "chỉ dùng được đúng bộ số liệu" in told[None]
    own = study.table[(study.table["year"] == 2024) & (study.table["scope"] == "district")]
    figures = f"share {own['numerator'].notna().sum()} {study.dataset.returns['informed'].sum()}"
    good = ["year"] if not other else [f"cdcs/{unit}" for unit in units if not CELLS[unit][1]]
    for name in good:
        page = (tmp_path / "site" / "2024" / f"{name}.html").read_text("utf-8")
        assert figures in page, page


@needs_fork
def test_a_shared_page_made_beside_a_busy_process_gets_none_either(tmp_path: Path) -> None:
    params, root = shared_params(tmp_path / "data"), find_root()
    table = tmp_path / "data" / "lineage"
    pd.read_csv(table.with_suffix(".csv")).to_parquet(table.with_suffix(".parquet"))
    table.with_suffix(".csv").unlink()
    seal = Seal(params, str(root))
    setup = SETUP + f"folder = {str(table) + '.parquet'!r}"
    read = "pandas.read_parquet(folder)", "__import__('pyarrow').memory_map(folder)"
    cells = ("print(*seen(analysis.load(year)))", *read)
    tasks = [
        make_task(make_notebook("year = 0", setup, cell, END), TEMPLATE, seal=seal)
        for cell in cells
    ]
    made = make_pages(tasks, params, root, fingerprint(params, root))
    assert made[0].failure is None
    assert "share" in str(made[0].executed)
    for failure in (page.failure for page in made[1:]):
        assert failure is not None
        assert "pyarrow" in failure.error


def test_the_exact_edition_is_not_sealed(tmp_path: Path) -> None:
    study = make_study(tmp_path / "data", UNITS[:2])
    cell = f"print(len(pandas.read_csv({str(tmp_path / 'data' / 'returns.csv')!r})))"
    recap = build_site(
        study,
        tmp_path / "site" / "2024",
        Order(
            notebooks=write_notebooks(tmp_path / "notebooks", SETUP + cell),
            template=write_template(tmp_path / "templates"),
            progress=False,
        ),
    )
    assert recap.is_done
    count = len(pd.read_csv(tmp_path / "data" / "returns.csv"))
    assert f">{count}\n" in (tmp_path / "site/2024/cdcs" / f"{UNITS[0]}.html").read_text("utf-8")

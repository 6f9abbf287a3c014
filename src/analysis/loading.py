"""From settings to a study: the plan, the tables, and the edition that is wanted."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from analysis.language import load_language, localise
from analysis.params import Params, find_root, load_params, make_params
from analysis.plan import load_plan
from analysis.problems import InputError, error
from analysis.redaction import redact
from analysis.study import Study
from analysis.tables.dictionary import take_own_columns
from analysis.tables.load import load_dataset
from analysis.tasks import check_tasks

#: What `keep_warm` holds, and whether this process may know nothing else.
_warm: Study | None = None
_is_alone = False


def load(year: int | None = None, *, file: str | Path | None = None, **settings: Any) -> Study:
    """Mở bộ số liệu và kế hoạch.

    Parameters
    ----------
    year : int, optional
        The year whose settings (``params/<year>.yaml``) to use; the dataset's last year by default.
        All years of the dataset are there to look at.
    file : path, optional
        Another settings file.
    **settings
        Any field of `Params`, overriding the file: ``data="data/sample"``. None leaves a field as
        the project has it.

    Returns
    -------
    Study
        On a page of the edition to share it is that edition, whichever it is asked for.

    Raises
    ------
    InputError
        With every problem of the settings, the plan or the dataset, in Vietnamese.

    Examples
    --------
    >>> study = load(2024)
    >>> study.plan.issuer.short
    'LĐLĐ huyện Hướng Hóa'
    """
    root = find_root()
    if year is not None and str(year).isdecimal():
        year = int(year)  # a cell of a table, or text, as the questions take it
    if not isinstance(year, int | None):
        raise InputError(
            [error("năm phải là số, ví dụ 2024", code="no_year", column="year", value=year)]
        )
    if year is None:
        study = load(date.today().year, file=file, **settings)
        last = _params_of(max(study.dataset.years), file, root, settings)
        is_same = _key(last) == _key(study.params)
        return study.with_params(last) if is_same else open_study(last, root)
    return open_study(_params_of(year, file, root, settings), root)


def _params_of(year: int, file: str | Path | None, root: Path, settings: dict[str, Any]) -> Params:
    base = load_params(year, Path(file) if file else None, root).model_dump()
    if _warm is not None and _is_alone:
        base = {**_warm.params.model_dump(), "year": year}
    given = {k: str(v) if isinstance(v, Path) else v for k, v in settings.items() if v is not None}
    return make_params(base, given)


def open_study(params: Params, root: Path) -> Study:
    """Read what the settings name, or return what `keep_warm` holds for the same settings."""
    if _is_alone:
        params = params.model_copy(update={"edition": "share"})
    if _warm is not None and _key(_warm.params) == _key(params):
        return _warm.with_params(params)
    if _is_alone:
        message = (
            "sổ tay của bản chia sẻ chỉ dùng được đúng bộ số liệu, kế hoạch, ngày và ngôn ngữ của"
            " lượt lập này"
        )
        raise InputError([error(message, code="sealed")])
    take_own_columns(root / params.data)
    load_language(params.lang, root)  # an unknown language is refused now, not by a report
    plan = localise(load_plan(root / params.plan), params.lang, root)
    dataset = load_dataset(root / params.data, params.as_of_day)
    problems = check_tasks(dataset, plan)
    if problems:
        raise InputError(problems)
    study = Study(params, plan, dataset, root)
    # Redacted before anything else sees it: no page, table or file may hold an exact figure.
    return redact(study) if params.edition == "share" else study


def keep_warm(study: Study) -> None:
    """Let later `load` calls of this process and its forks take this study as it is.

    For the runner alone: in JupyterLab every load reads the tables anew.
    """
    global _warm
    study.prepare()
    _ = load_language(study.params.lang, study.root).sentences
    _warm = study


def forget() -> None:
    """Drop what `keep_warm` holds, because files may change from now on."""
    global _warm
    _warm = None


def keep_alone(study: Study) -> None:
    """Let every later `load` of this process return this share edition, or refuse."""
    global _is_alone
    keep_warm(study)
    _is_alone = True


def _key(params: Params) -> tuple[str, ...]:
    """Return the settings that decide what is read; the others only change how it is told."""
    return params.data, params.plan, params.lang, params.edition, params.as_of

"""What rows of the tables ``tasks`` and ``evidence`` must hold under a plan."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from analysis.plan import Plan
from analysis.problems import InputError, Problem, error
from analysis.tables.load import Dataset, row_problems

_HELD = ["year", "task_id", "holder_id"]
#: A path inside the dataset's folder: no drive, no root, no step up.
_PATH = re.compile(r"(?![/\\]|[A-Za-z]:|.*(^|[/\\])\.\.([/\\]|$)|[a-z]+://).+")


def check_tasks(dataset: Dataset, plan: Plan) -> list[Problem]:
    """Return an error for each row about a task or its evidence that contradicts the plan.

    Parameters
    ----------
    dataset : Dataset
        Tables as `read_dataset` returns them.
    plan : Plan
        Whose tasks they are.
    """
    found: list[Problem] = []
    known = {task.id: task for task in plan.tasks}
    for name in ("tasks", "evidence"):
        rows = dataset.tables[name]
        if rows.empty:
            continue
        tasks = rows["task_id"].map(known)
        rows = rows.assign(task=tasks.to_numpy())
        unknown = rows["task"].isna()
        message = "kế hoạch không có nhiệm vụ nào mang mã này"
        found += _told(dataset, name, rows[unknown], "task_id", "unknown_task", message)
        rows = rows[~unknown]
        found += _holders(dataset, plan, name, rows)
        found += (_said if name == "tasks" else _proven)(dataset, rows)
    return dataset.locate(found)


def require_tasks(dataset: Dataset) -> None:
    """Refuse a dataset in which nobody follows the plan's tasks.

    Raises
    ------
    InputError
        If the table is not there, or has no row.
    """
    if dataset.tables["tasks"].empty:
        message = "chưa theo dõi nhiệm vụ: bộ số liệu không có bảng nhiệm vụ (tasks)"
        raise InputError([error(message, code="no_tasks", file=dataset.files["tasks"])])


def _told(
    dataset: Dataset, name: str, rows: pd.DataFrame, column: str, code: str, message: str
) -> list[Problem]:
    return row_problems(rows, dataset.files[name], column, code=code, message=message)


def _holders(dataset: Dataset, plan: Plan, name: str, rows: pd.DataFrame) -> list[Problem]:
    """Return an error for each row whose holder does not have the task."""
    is_district = rows["task"].map(lambda task: task.owner == "district").astype(bool)
    wrong = rows[is_district & (rows["holder_id"] != plan.issuer.id)]
    message = f"nhiệm vụ này là của {plan.issuer.short} (mã {plan.issuer.id})"
    found = _told(dataset, name, wrong, "holder_id", "other_owner", message)
    if "roster" in dataset.unread:
        return found  # its own errors are told already
    roster = dataset.roster.drop_duplicates(["year", "unit_id"])
    types = roster.set_index(["year", "unit_id"])["unit_type"]
    theirs = rows[~is_district]
    holders = pd.MultiIndex.from_frame(theirs[["year", "holder_id"]])
    theirs = theirs.assign(unit_type=types.reindex(holders).to_numpy())
    is_issuer = theirs["holder_id"] == plan.issuer.id
    message = "nhiệm vụ này là của từng CĐCS, không phải của cơ quan ban hành kế hoạch"
    found += _told(dataset, name, theirs[is_issuer], "holder_id", "other_owner", message)
    absent = theirs["unit_type"].isna() & ~is_issuer
    message = "mã này không có trong danh sách CĐCS năm {year}"
    found += _told(dataset, name, theirs[absent], "holder_id", "unknown_unit", message)
    theirs = theirs[~absent & ~is_issuer]
    belongs = {t.id: plan.types_in(t.population) for t in plan.tasks}
    pairs = zip(theirs["task_id"], theirs["unit_type"], strict=True)
    outside = np.array([unit_type not in belongs[task] for task, unit_type in pairs], bool)
    message = "nhiệm vụ này không dành cho loại hình của CĐCS ({unit_type})"
    return found + _told(dataset, name, theirs[outside], "holder_id", "other_population", message)


def _said(dataset: Dataset, rows: pd.DataFrame) -> list[Problem]:
    """Return an error for each day or count that cannot be."""
    dated = rows[rows["done_on"].notna()]
    undone = dated[(dated["state"] != "done").fillna(True)]
    message = "chỉ ghi ngày hoàn thành khi trạng thái là đã hoàn thành (done)"
    found = _told(dataset, "tasks", undone, "done_on", "day_of_undone", message)
    late = dated[dated["done_on"].dt.year > dated["year"]]
    message = "ngày hoàn thành sau ngày cuối năm {year}"
    found += _told(dataset, "tasks", late, "done_on", "day_after_year", message)
    counted = rows["count"].notna() & ~rows["task"].map(lambda task: bool(task.count)).astype(bool)
    message = "nhiệm vụ này không đếm số lượng; hãy để trống"
    return found + _told(dataset, "tasks", rows[counted], "count", "count_of_none", message)


def _proven(dataset: Dataset, rows: pd.DataFrame) -> list[Problem]:
    """Return an error for evidence of an unreported task, and for a file outside the folder."""
    tasks = dataset.tables["tasks"]
    said = pd.MultiIndex.from_frame(tasks.loc[tasks["state"].notna(), _HELD])
    # A linked task's state comes from its indicator, so it needs no row of its own.
    asked = ~rows["task"].map(lambda task: bool(task.indicator)).astype(bool)
    lost = rows[asked & ~pd.MultiIndex.from_frame(rows[_HELD]).isin(said)]
    message = "minh chứng của nhiệm vụ chưa được báo cáo; hãy ghi trạng thái vào bảng nhiệm vụ"
    found = _told(dataset, "evidence", lost, "task_id", "evidence_alone", message)
    named = rows[rows["file"].notna()]
    away = named[np.array([_PATH.fullmatch(text) is None for text in named["file"]], bool)]
    message = "phải là đường dẫn tương đối trong thư mục dữ liệu, ví dụ minh-chung/qd-12.pdf"
    return found + _told(dataset, "evidence", away, "file", "not_relative", message)

"""What has changed since the edition that was published before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.findings.finding import Finding
from analysis.redaction.sensitive import kind_of
from analysis.study import Study


@dataclass(frozen=True)
class Restated:
    """One finding whose verdict or value is another than it was.

    Attributes
    ----------
    finding : Finding
        As it is now.
    verdict : str
        As it was published.
    numerator, denominator : int or None
        As they were published.
    is_bare : bool
        Whether its figures, then and now, are not to be set side by side.
    """

    finding: Finding
    verdict: str
    numerator: int | None
    denominator: int | None
    is_bare: bool = False

    @property
    def is_other_verdict(self) -> bool:
        """Whether the verdict itself is another."""
        return self.verdict != self.finding.verdict


def write_origin(edition: str, plan: Mapping[str, Any], dataset: str) -> str:
    """Return the first line of a kept table: of which edition, plan and data it is.

    Examples
    --------
    >>> write_origin("share", {"id": "nq02", "version": 1}, "Huyện A")
    '# {"dataset": "Huyện A", "edition": "share", "plan": {"id": "nq02", "version": 1}}'
    """
    origin = {"edition": edition, "plan": dict(plan), "dataset": dataset}
    return "# " + json.dumps(origin, ensure_ascii=False, sort_keys=True)


def is_comparable(study: Study, kept: Path) -> bool:
    """Tell whether a kept table is of this study's own edition, plan and data."""
    plan, name = study.plan, study.dataset.description.name
    ours = write_origin(study.params.edition, {"id": plan.id, "version": plan.version}, name)
    try:
        with kept.open(encoding="utf-8") as file:
            return file.readline().rstrip("\n") == ours
    except (OSError, ValueError):
        return False


def find_restated(study: Study, findings: dict[str, Finding], kept: Path) -> list[Restated]:
    """Compare findings of one scope with a table published before.

    In the edition to share nothing is said of persons or money: the sums of then and now, and even a
    verdict of then, narrow down what one late return brought. What is left are the verdicts on
    counts of units, without the counts.

    Parameters
    ----------
    study : Study
        What the findings are of.
    findings : dict of str to Finding
        By indicator id.
    kept : Path
        A table that `is_comparable`.

    Returns
    -------
    list of Restated
        Whole indicators that differ, those with another verdict first.
    """
    table = pd.read_csv(kept, keep_default_na=False, dtype=str, skiprows=1)
    is_shared = study.params.edition == "share"
    changed = []
    for finding in findings.values():
        rows = table[
            (table["indicator"] == finding.indicator.id)
            & (table["scope"] == finding.scope)
            & (table["scope_id"] == finding.scope_id)
        ]
        is_silent = finding.indicator.is_part or (
            is_shared and kind_of(finding.indicator) != "open"
        )
        if is_silent or rows.empty:
            continue
        before = rows.iloc[0]
        figures = _whole(before["numerator"]), _whole(before["denominator"])
        restated = Restated(finding, before["verdict"], *figures, is_shared)
        is_other = figures != (finding.numerator, finding.denominator) and not is_shared
        if restated.is_other_verdict or is_other:
            changed.append(restated)
    return sorted(changed, key=lambda item: not item.is_other_verdict)


def _whole(cell: str) -> int | None:
    return int(cell) if cell else None

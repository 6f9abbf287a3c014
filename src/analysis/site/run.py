"""The runner's front door: a year's site brought up to date, reading as little as that takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.params import Params
from analysis.site.recap import RunOutcome
from analysis.site.unchanged import find_unchanged, fingerprint


def run_report(
    params: Params,
    root: Path,
    out: Path,
    *,
    units: Sequence[str] | None = None,
    jobs: int | None = None,
    force: bool = False,
    scheduler: str | None = None,
    again: str = "",
    briefs: bool = False,
    docx: bool = False,
) -> RunOutcome:
    """Bring a year's site up to date.

    Where nothing has changed, no table is read and no kernel started.

    Parameters
    ----------
    params : Params
        The settings; ``params.year`` is the year.
    root : Path
        The project's folder.
    out : Path
        The site's folder.
    units, jobs, force, scheduler, again, briefs, docx
        As `analysis.site.build.build_site` has them.

    Returns
    -------
    RunOutcome
        What came of it.

    Raises
    ------
    InputError
        If the settings, the plan, the data or a notebook are wrong, or another run is at it.
    """
    seen = fingerprint(params, root)
    unchanged = None if force or briefs or docx else find_unchanged(params, out, seen, units)
    if unchanged is not None:
        return unchanged
    # With pandas, matplotlib and papermill behind them.
    from analysis.loading import forget, open_study
    from analysis.site.build import build_site

    study = open_study(params, root)
    # What was changed while it was being read is not what was seen.
    seen = seen if fingerprint(params, root) == seen else ""
    try:
        return build_site(
            study,
            out,
            units=units,
            jobs=jobs,
            force=force,
            seen=seen,
            scheduler=scheduler,
            again=again,
            briefs=briefs,
            docx=docx,
        )
    finally:
        # Whoever loads or reports again in this process may have changed the tables meanwhile.
        forget()

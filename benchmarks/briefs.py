"""What a unit's sheet and message cost, beside the cells of its page: `python benchmarks/briefs.py`.

Both are made in one warm process, unit by unit in turns, so that both meet the same machine.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

YEAR = 2024


def main() -> None:
    """Measure every unit of the sample, and print medians and the spread of the rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds

    import analysis
    from analysis.handouts.brief import make_brief, render_briefs, write_message
    from analysis.pages.fragments import Fragment

    study = analysis.load(YEAR)
    sections = ("header", "summary", "next_steps", "last_year", "own_words", "achieved", "results")
    sections += ("figure_targets", "figure_trend", "figure_peers", "tasks", "definitions", "method")

    def hand_out(unit: str) -> None:
        brief = make_brief(study, unit)
        assert render_briefs(study, [brief])
        assert write_message(study, brief)

    def page(unit: str) -> None:
        report = analysis.unit(study, unit, YEAR)
        shown = [getattr(report, section)() for section in sections]
        assert all(one.html for one in shown if isinstance(one, Fragment))

    def timed(make: Callable[[str], None], unit: str) -> float:
        began = time.process_time()
        make(unit)
        return time.process_time() - began

    units = [str(key) for key in study.expected_units(YEAR).index]
    hand_out(units[0])
    page(units[0])
    handed, ratios = [], []
    for _ in range(rounds):
        pairs = [(timed(hand_out, unit), timed(page, unit)) for unit in units]
        each, pages = (sum(side) / len(units) for side in zip(*pairs, strict=True))
        handed.append(each * 1000)
        ratios.append(each / pages)
    print(
        f"sheet and message: {statistics.median(handed):.1f} ms CPU a unit "
        f"({min(handed):.1f}-{max(handed):.1f}), goal < 10; "
        f"{statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f}) of its page's cells"
    )


if __name__ == "__main__":
    main()

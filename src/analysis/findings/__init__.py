"""What a row of the indicator table says: the one source of every sentence, table and figure."""

from analysis.findings.finding import (
    Change,
    Finding,
    Peers,
    compare_with_peers,
    find,
    find_before,
    find_years,
)
from analysis.findings.perimeter import (
    Circle,
    Circumstances,
    Crowd,
    Passage,
    find_circle,
    find_circumstances,
    find_passages,
)
from analysis.findings.tally import Tally, board, tally, task_board

__all__ = [
    "Change",
    "Circle",
    "Circumstances",
    "Crowd",
    "Finding",
    "Passage",
    "Peers",
    "Tally",
    "board",
    "compare_with_peers",
    "find",
    "find_before",
    "find_circle",
    "find_circumstances",
    "find_passages",
    "find_years",
    "tally",
    "task_board",
]

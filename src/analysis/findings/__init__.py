"""What a row of the indicator table says: the one source of every sentence, table and figure."""

from analysis.findings.finding import Change, Finding, find
from analysis.findings.lineage import Passage, find_passages
from analysis.findings.peers import Peers, compare_with_peers
from analysis.findings.tally import Tally, tally

__all__ = [
    "Change",
    "Finding",
    "Passage",
    "Peers",
    "Tally",
    "compare_with_peers",
    "find",
    "find_passages",
    "tally",
]

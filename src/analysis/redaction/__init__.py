"""The edition to share: made from data redacted before any page, table or file sees it.

In the order of docs/disclosure.md: `sensitive` says what counts persons; `respondents` reads them
into a `matrix`, which says what is hidden and how far hidden counts could differ; `protection` proves
that sums expose nothing; `suppression` decides step by step; `bands` is for money; `edition` edits
the tables.
"""

from analysis.redaction.edition import (
    BANDED,
    BOUNDS_HIDDEN,
    HIDDEN,
    HIDDEN_CELL,
    RedactedStudy,
    redact,
)
from analysis.redaction.sensitive import LARGEST_HIDDEN

__all__ = [
    "BANDED",
    "BOUNDS_HIDDEN",
    "HIDDEN",
    "HIDDEN_CELL",
    "LARGEST_HIDDEN",
    "RedactedStudy",
    "redact",
]

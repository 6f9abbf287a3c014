"""The edition to share: made from data redacted before any page, table or file sees it.

`kinds` says what counts persons; `years` reads them; `sheet` hides small counts and finds how far
figures could move; `release` shows sums as long as nothing comes out; `persons` puts that together
for a year; `money` makes bands; `edition` edits the tables.
"""

from analysis.redaction.edition import (
    BANDED,
    BOUNDS_HIDDEN,
    HIDDEN,
    HIDDEN_CELL,
    RedactedStudy,
    redact,
)
from analysis.redaction.sheet import LARGEST_HIDDEN

__all__ = [
    "BANDED",
    "BOUNDS_HIDDEN",
    "HIDDEN",
    "HIDDEN_CELL",
    "LARGEST_HIDDEN",
    "RedactedStudy",
    "redact",
]

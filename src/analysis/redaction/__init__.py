"""The edition to share: made from data redacted before any page, table or file sees it.

In the order of docs/disclosure.md: what is sensitive and what is `published`, the protection of what is
hidden and the steps of its `suppression`; then the `edition` itself, with money in bands.
"""

from analysis.redaction.edition import BANDED, BOUNDS_HIDDEN, HIDDEN, RedactedStudy, redact
from analysis.redaction.published import LARGEST_HIDDEN

__all__ = ["BANDED", "BOUNDS_HIDDEN", "HIDDEN", "LARGEST_HIDDEN", "RedactedStudy", "redact"]

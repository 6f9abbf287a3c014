"""Forms out, files in: the workbooks that unions fill, and what is read from those they send back."""

from analysis.intake.reader import read_delivery, write_error_lists

__all__ = ["read_delivery", "write_error_lists"]

"""One language of the reports: its words and sentences (``params/lang/<lang>``) and its numbers."""

from analysis.language.language import Language, load_language, localise
from analysis.language.numbers import Numbers

__all__ = ["Language", "Numbers", "load_language", "localise"]

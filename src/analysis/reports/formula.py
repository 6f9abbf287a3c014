"""An indicator's formula in a reader's words instead of column names."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from analysis.language import Language
from analysis.plan import Condition, Indicator
from analysis.plan.schema import SOURCE_TABLES


@dataclass(frozen=True)
class IndicatorWords:
    """An indicator's formula in headings instead of column names."""

    measure: str
    is_share: bool
    max_rate: Fraction | None
    member_word: str
    numerator_names: list[str]
    denominator_names: list[str]
    holds_names: list[str]
    applies_names: list[str]


def formula_words(indicator: Indicator, language: Language) -> IndicatorWords:
    """Return what is counted over what, in the language's headings."""
    tables = SOURCE_TABLES[indicator.over]

    def names(columns: tuple[str, ...]) -> list[str]:
        return [language.heading(column, tables) for column in columns]

    def facts(conditions: tuple[Condition, ...]) -> list[str]:
        return [_in_words(condition, tables, language) for condition in conditions]

    return IndicatorWords(
        measure=indicator.measure,
        is_share=indicator.is_share,
        max_rate=indicator.max_rate,
        member_word=language.word("member", indicator.over),
        numerator_names=names(indicator.numerator),
        denominator_names=names(indicator.denominator),
        holds_names=facts(indicator.holds),
        applies_names=facts(indicator.applies_if),
    )


def _in_words(condition: Condition, tables: tuple[str, ...], language: Language) -> str:
    name = language.heading(condition.column, tables)
    if condition.over is not None:
        name = language.say("quotient", name, language.heading(condition.over, tables))
    comparison, bar = _comparison(condition, language)
    return language.say("condition", name, comparison, bar)


def _comparison(condition: Condition, language: Language) -> tuple[str, str]:
    if condition.present is not None:
        return ("present" if condition.present else "absent"), ""
    if condition.is_not is not None:
        return "is_not", language.dictionary_word("grade", condition.is_not)
    if condition.more_than is not None:
        return "more_than", _number(condition.more_than, condition, language)
    if isinstance(condition.at_least, str):
        return "at_least", f"“{language.dictionary_word('grade', condition.at_least)}”"
    if condition.at_least is not None:
        return "at_least", _number(condition.at_least, condition, language)
    return "true", ""


def _number(bar: Fraction, condition: Condition, language: Language) -> str:
    is_share = condition.over is not None
    return language.numbers.level(bar) if is_share else language.numbers.quantity(bar)

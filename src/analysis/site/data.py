"""The tables beside the pages."""

from __future__ import annotations

import pandas as pd

from analysis.site.layout import INDICATORS, UNITS, Layout
from analysis.study import Study
from analysis.tables.files import write_atomically
from analysis.tables.writing import harmless

#: These tables are opened by people: without it Excel would not see that they are UTF-8.
_BOM = "\ufeff"


def write_data(study: Study, table: str, layout: Layout) -> None:
    """Write the year's indicators and its units.

    Parameters
    ----------
    study : Study
        The data; its settings name the year.
    table : str
        The indicator table, as CSV.
    layout : Layout
        Where to.
    """
    year = study.params.year
    write_atomically(layout.file(INDICATORS), _BOM + table)
    units = study.expected_units(year).drop(columns="is_expected").reset_index()
    units.insert(0, "year", year)
    if study.params.edition == "share":
        withheld = [study.hidden_columns(key, year) for key in units["unit_id"]]
        units["hidden"] = [";".join(names) for names in withheld]
    write_atomically(layout.file(UNITS), as_csv(units))


def as_csv(table: pd.DataFrame) -> str:
    """Return a table as the dataset's own files are written, but safe to open in a spreadsheet."""
    table = table.copy()
    for name in table.columns[table.dtypes.map(pd.api.types.is_bool_dtype)]:
        table[name] = table[name].map({True: "true", False: "false"})
    for name in table.columns[table.dtypes.map(pd.api.types.is_string_dtype)]:
        table[name] = table[name].map(harmless, na_action="ignore")
    text: str = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return _BOM + text

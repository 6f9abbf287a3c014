"""A state of the store as canonical CSV tables: the same state gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.atomic import write_atomically
from analysis.tables.dictionary import dictionary
from analysis.tables.files import DESCRIPTION
from analysis.tables.load import Dataset
from analysis.tables.storefile import has_store
from analysis.tables.texts import spell_column


def export_dataset(dataset: Dataset, folder: Path, source: Path) -> list[Path]:
    """Write the tables as CSV files, sorted by key, each one whole or not at all.

    Parameters
    ----------
    dataset : Dataset
        Typed tables.
    folder : Path
        Where to; made if need be.
    source : Path
        The dataset's own folder, whose description goes with the tables.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    FileExistsError
        If the folder has a store of its own: its tables are not to be written over.
    """
    if has_store(folder):
        raise FileExistsError(
            17, "thư mục này có kho số liệu riêng; hãy chọn thư mục khác", str(folder)
        )
    written = []
    for name, table in dictionary().tables.items():
        frame = dataset.tables[name]
        text = pd.DataFrame({column: spell_column(frame[column]) for column in table.columns})
        text = text.sort_values(list(table.key), ignore_index=True)
        written.append(folder / f"{name}.csv")
        write_atomically(written[-1], text.to_csv(index=False, lineterminator="\n"))
    description = source / DESCRIPTION
    if description.exists():
        written.append(folder / DESCRIPTION)
        write_atomically(written[-1], description.read_bytes())
    return written

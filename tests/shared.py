"""What is dear to make and many tests look at: made by one process of the suite, read by all."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import analysis
from analysis.language import localise
from analysis.redaction import redact
from analysis.study import Study

#: The folder of this run of the suite, which the workers inherit: `conftest.py` makes it.
FOLDER = "CONGDOAN_TESTS_SHARED"
SECONDS = 600


def once(name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of this name, filled by whichever process asks first."""
    folder = Path(os.environ[FOLDER], name)
    told = folder.with_name(f"{name}.told")
    try:
        folder.mkdir()
    except FileExistsError:
        deadline = time.monotonic() + SECONDS
        while not told.exists():
            assert time.monotonic() < deadline, f"nobody made the {name}"
            time.sleep(0.1)
        assert told.read_text() == "made"
        return folder
    outcome = "failed"
    try:
        make(folder)
        outcome = "made"
    finally:
        part = told.with_suffix(".part")
        part.write_text(outcome)
        part.rename(told)
    return folder


@cache
def _sample(edition: str) -> Study:
    def make(folder: Path) -> None:
        study = analysis.load(2024)
        study.prepare()
        with (folder / "internal").open("wb") as file:
            pickle.dump(study, file)
        with (folder / "share").open("wb") as file:
            pickle.dump(redact(study), file)

    study: Study = pickle.loads((once("sample", make) / edition).read_bytes())
    return study


def sample(edition: str = "internal", lang: str = "vi", year: int = 2024) -> Study:
    """The sample as `analysis.load` opens it with these words: for tests that only look at it."""
    study = _sample(edition).take_columns()
    params = study.params.model_copy(update={"lang": lang, "year": year})
    if lang == "vi":
        return study if year == 2024 else study.with_params(params)
    # Neither what is counted nor what is withheld depends on the language.
    return replace(study, params=params, plan=localise(study.plan, lang, study.root))

"""What one year's run needs: ``params/default.yaml``, and ``params/<year>.yaml`` where it differs."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from analysis.plan.schema import FIRST_YEAR, LAST_YEAR, Year, parse_number
from analysis.problems import InputError, error
from analysis.yamlfile import Document, explain, read_document, validate

PARAMS_FOLDER = "params"
#: The folder that the package was installed from.
CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULT_FILE = "default.yaml"
#: An office's own settings: git does not track them, so updates leave them alone.
LOCAL_FILE = "local.yaml"
#: The environment variable that hands ``--project`` on to the processes that a command starts.
PROJECT = "CONGDOAN_PROJECT"
#: The environment variable that names the page for which a process runs a notebook.
PAGE = "CONGDOAN_PAGE"


def _share_text(given: Any) -> str:
    parse_number(given)
    return str(given)


def _day_text(given: Any) -> str:
    return date.fromisoformat(str(given)).isoformat() if given else ""


class Params(BaseModel):
    """The settings of a run; the notebooks' papermill parameters have the same names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    year: Year
    #: The dataset folder and the plan file, relative to the project's folder.
    data: str = Field(min_length=1)
    plan: str = Field(min_length=1)
    #: A folder of ``params/lang``.
    lang: str = Field(default="vi", pattern=r"^[a-z]{2}$")
    #: Fewer units of the same type than this are not compared with.
    min_peers: int = Field(default=5, ge=2)
    #: Units whose denominator is below this are not ranked.
    min_ranked: int = Field(default=10, ge=1)
    #: How long one notebook may run, and (on Linux) how much memory it may take beside the program's.
    page_seconds: int = Field(default=300, ge=5)
    page_megabytes: int = Field(default=4000, ge=50)
    #: The exact figures, or those that may leave the house: few persons hidden, money in bands.
    edition: Literal["internal", "share"] = "internal"
    #: Whether pages begin with the issuing body at the left and the state's name at the right.
    letterhead: bool = False
    #: Years whose sites lie beside this one, for links; found by `congdoan report`.
    years_beside: list[int] = []
    #: The indicator table of the edition before, to say what has changed; found likewise.
    previous: str = ""
    #: A day (``"2025-03-01"``): the figures as the dataset's store had them at its end. Empty: now.
    as_of: Annotated[str, BeforeValidator(_day_text)] = ""
    #: A day of the year (``"2025-06-30"``) on which tasks are looked at. Empty: the cut-off.
    on: Annotated[str, BeforeValidator(_day_text)] = ""
    #: A user's own thresholds for indicators that the plan names without a number, for example
    #: ``{"union_density": "90%"}``; shown as the user's assumption and never judged.
    assumptions: dict[str, Annotated[str, BeforeValidator(_share_text)]] = {}

    @model_validator(mode="before")
    @classmethod
    def _on_is_no_yes(cls, data: Any) -> Any:
        """Accept ``on:`` as the setting's name, which YAML reads as true."""
        if isinstance(data, dict) and True in data:
            return {**{k: v for k, v in data.items() if k is not True}, "on": data[True]}
        return data

    @property
    def on_day(self) -> date | None:
        """The day on which tasks are looked at; None for the cut-off."""
        return date.fromisoformat(self.on) if self.on else None

    @property
    def as_of_day(self) -> date | None:
        """The day of the state to read; None for the state of now."""
        return date.fromisoformat(self.as_of) if self.as_of else None


def find_root(start: Path | None = None) -> Path:
    """Return the project's folder: the one that ``--project`` names, or that one stands in.

    In its notebooks' folder one stands in the project; else it is the checkout that the package
    was installed from. A folder further up never counts: its notebooks would run, unasked.

    Raises
    ------
    InputError
        If there is none.
    """
    here = (start or Path.cwd()).resolve()
    above = [here.parent] if here.name == "notebooks" else []
    named = os.environ.get(PROJECT)
    found = [Path(named)] if named else [here, *above, CHECKOUT]
    for folder in found:
        if (folder / PARAMS_FOLDER / DEFAULT_FILE).is_file():
            return folder
    message = (
        f"không thấy {PARAMS_FOLDER}/{DEFAULT_FILE} của dự án; hãy chạy lệnh trong thư mục dự án,"
        " hoặc nêu thư mục ấy: congdoan --project THƯ_MỤC ..."
    )
    raise InputError([error(message, code="no_project", file=Path(named or here).name)])


def load_params(year: int, file: Path | None = None, root: Path | None = None) -> Params:
    """Read the settings of a year, which is taken where the file does not name one.

    Parameters
    ----------
    year, root
        Whose settings, and the project's folder.
    file : Path, optional
        Another file than ``params/<year>.yaml``; that one may be missing, this one not.

    Returns
    -------
    Params
        ``params/default.yaml``, overridden by ``params/<year>.yaml`` and the office's own
        ``params/local.yaml``; or by the file, above ``local.yaml``.

    Raises
    ------
    InputError
        With file, line, key and what was expected; also if the file is for another year.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        message = f"năm phải từ {FIRST_YEAR} đến {LAST_YEAR}"
        raise InputError([error(message, code="bad_year", column="year", value=year)])
    folder = (root or find_root()) / PARAMS_FOLDER
    default = folder / DEFAULT_FILE
    chosen = file or folder / f"{year}.yaml"
    settings = read_document(default)
    # A file that the user names stands above the office's own, the program's years below.
    order = (folder / LOCAL_FILE, chosen) if file else (chosen, folder / LOCAL_FILE)
    for one in order:
        if one == file or one.exists():
            settings = read_document(one).over(settings)
    params = validate(settings.over(Document("", {"year": year}, {})), Params)
    if params.year != year:
        message = f"tệp này dành cho năm {params.year}, không phải năm {year}"
        raise InputError(
            [error(message, code="other_year", file=chosen.name, column="year", value=params.year)]
        )
    return params


def make_params(base: dict[str, Any], settings: dict[str, Any]) -> Params:
    """Override settings by name.

    Raises
    ------
    InputError
        If a name is unknown or a value is not what it should be.
    """
    try:
        return Params.model_validate({**base, **settings})
    except ValidationError as failure:
        raise InputError(explain(failure, settings)) from None

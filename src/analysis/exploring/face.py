"""What an analyst asks of a study, each in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from analysis.compare import Basis
    from analysis.exploring.answer import Answer
    from analysis.exploring.answers import Group, Keyed, Names, Years
    from analysis.exploring.whatif import Assumption


class Questions:
    """The questions of `analysis.Study`: every answer is a tidy frame, in the plan's order.

    Names may be given as an id or as words, with or without marks; several as a list. What is
    unknown is refused with the nearest that exists. An empty answer says why it is empty.
    """

    # Answers are computed in modules that know findings and the store; those know `Study`. They
    # are imported when the first question is asked, which also keeps loading fast.
    is_assumed: ClassVar[bool] = False

    @property
    def units(self) -> Keyed:
        """Mọi chỉ tiêu của một CĐCS: ``study.units["DN-DABAN"]``; phím Tab gợi ý mã.

        Examples
        --------
        >>> from analysis import load
        >>> set(load(2024).units["DN-DABAN"]["scope_id"])
        {'DN-DABAN'}
        """
        from analysis.exploring.answers import Keyed

        return Keyed(self, "unit")  # type: ignore[arg-type]

    @property
    def indicators(self) -> Keyed:
        """Một chỉ tiêu ở mọi phạm vi: ``study.indicators["informed_all"]``; phím Tab gợi ý mã.

        Examples
        --------
        >>> from analysis import load
        >>> set(load(2024).indicators["informed_all"]["indicator"])
        {'informed_all'}
        """
        from analysis.exploring.answers import Keyed

        return Keyed(self, "indicator")  # type: ignore[arg-type]

    def find(self, text: str) -> Answer:
        """Tìm CĐCS theo tên, mã hoặc xã, không cần dấu.

        Parameters
        ----------
        text : str
            Part of a code, a name or a commune.

        Returns
        -------
        DataFrame
            ``unit_id, name, unit_type, commune, first_year, last_year``, by code.

        Examples
        --------
        >>> from analysis import load
        >>> list(load(2024).find("da ban")["unit_id"])
        ['DN-DABAN']
        """
        from analysis.exploring.answers import find_units

        return find_units(self, text)  # type: ignore[arg-type]

    def results(
        self,
        *,
        year: Years = None,
        scope: Names = None,
        indicator: Names = None,
        verdict: Names = None,
        unit_type: Names = None,
        commune: Names = None,
        unit: Names = None,
    ) -> Answer:
        """Lọc bảng chỉ tiêu theo năm, phạm vi, chỉ tiêu, đánh giá, loại hình, xã, CĐCS.

        Parameters
        ----------
        year : int or list of int, optional
            All years by default.
        scope : str or list of str, optional
            ``district``, ``commune``, ``unit_type``, ``parent``, ``unit``; units alone where a
            type, a commune or a unit is named.
        indicator, verdict, unit_type, commune, unit : str or list of str, optional
            Ids or names; all by default.

        Returns
        -------
        DataFrame
            The columns of the indicator table, with ``title``, ``name``, ``unit_type`` and
            ``commune`` beside the ids; shares as 0.782.

        Raises
        ------
        InputError
            If a name is unknown.

        Examples
        --------
        >>> from analysis import load
        >>> rows = load(2024).results(year=2024, commune="khe sanh", verdict="not_met")
        >>> set(rows["commune"]), set(rows["verdict"])
        ({'Khe Sanh'}, {'not_met'})
        """
        from analysis.exploring.answers import results

        return results(
            self,  # type: ignore[arg-type]
            year=year,
            scope=scope,
            indicator=indicator,
            verdict=verdict,
            unit_type=unit_type,
            commune=commune,
            unit=unit,
        )

    def board(self, year: int, show: Literal["verdict", "value", "gap"] = "verdict") -> Answer:
        """Bảng CĐCS × chỉ tiêu của một năm, nơi cần giúp đứng trước.

        Parameters
        ----------
        year : int
            The year.
        show : {"verdict", "value", "gap"}
            What stands in the cells; a gap is what a missed target lacks.

        Returns
        -------
        DataFrame
            A row per unit: its place, how many indicators it ``met``, did ``not_met`` and left
            ``undetermined``, then a column per indicator that the year judges; empty where the
            unit is not asked. The order is that of the year's page.

        Examples
        --------
        >>> from analysis import load
        >>> board = load(2024).board(2024)
        >>> len(board), bool(board["not_met"].is_monotonic_decreasing)
        (110, True)
        """
        from analysis.exploring.answers import board

        return board(self, year, show)  # type: ignore[arg-type]

    def missed(self, indicator: str, by: Group = "commune", year: int | None = None) -> Answer:
        """Ai còn thiếu bao nhiêu của một chỉ tiêu: theo xã, loại hình hoặc từng CĐCS.

        Parameters
        ----------
        indicator : str
            Its id or title.
        by : {"commune", "unit_type", "unit"}
            How what is lacking is summed.
        year : int, optional
            The study's year by default.

        Returns
        -------
        DataFrame
            ``scope_id, name``, ``lacking`` (persons, units or đồng that the units below the bar
            lack one by one) and ``share_of_gap``, largest first.

        Raises
        ------
        InputError
            If the indicator is unknown or has no bar for units in that year.

        Examples
        --------
        >>> from analysis import load
        >>> gap = load(2024).missed("cadres_trained", by="unit")
        >>> round(float(gap["share_of_gap"].sum()), 9)
        1.0
        """
        from analysis.exploring.answers import missed

        return missed(self, indicator, by, year)  # type: ignore[arg-type]

    def trend(self, indicator: str, of: Names = None, basis: Basis = "published") -> Answer:
        """Một chỉ tiêu qua các năm, của toàn địa bàn hay của những nơi nêu tên.

        Parameters
        ----------
        indicator : str
            Its id or title.
        of : str or list of str, optional
            Units, communes, types or parents; the district by default.
        basis : {"published", "same_perimeter"}
            What ``before``, ``now`` and ``change`` compare: both years as published, or over the
            units that are in both.

        Returns
        -------
        DataFrame
            A row per place and year with the published figures and the change from the year before.

        Examples
        --------
        >>> from analysis import load
        >>> [int(year) for year in load(2024).trend("dues_collected")["year"]]
        [2022, 2023, 2024, 2025]
        """
        from analysis.exploring.answers import trend

        return trend(self, indicator, of, basis)  # type: ignore[arg-type]

    def compare(
        self,
        one: int | str,
        other: int | str,
        *,
        of: str | None = None,
        year: int | None = None,
        basis: Basis = "published",
    ) -> Answer:
        """So hai năm, hoặc hai CĐCS, hai xã, hai loại hình trong một năm.

        Parameters
        ----------
        one, other : int or str
            Two years, or two names.
        of : str, optional
            Of two years: whose; the district's by default.
        year : int, optional
            Of two names: in which year; the study's by default.
        basis : {"published", "same_perimeter"}
            Of two years: as published, or over the units that are in both.

        Returns
        -------
        DataFrame
            A row per indicator: ``before`` and ``now`` (the first and the second), their
            ``difference``, who has reported and both verdicts.

        Examples
        --------
        >>> from analysis import load
        >>> rows = load(2024).compare("Khe Sanh", "Lao Bảo", year=2024)
        >>> "Lao Bảo" in rows.shown()
        True
        """
        from analysis.exploring.answers import compare

        return compare(self, one, other, of=of, year=year, basis=basis)  # type: ignore[arg-type]

    def outliers(self, year: int) -> Answer:
        """Số liệu khác thường của một năm, kèm lý do bằng lời.

        Parameters
        ----------
        year : int
            The year.

        Returns
        -------
        DataFrame
            A row per unit and oddity: a rate far outside the middle half of its type (more than
            one and a half widths), or what the checks of the tables warn of; ``reason`` in words.

        Examples
        --------
        >>> from analysis import load
        >>> list(load(2024).outliers(2024).columns[-2:])
        ['title', 'reason']
        """
        from analysis.exploring.answers import outliers

        return outliers(self, year)  # type: ignore[arg-type]

    def missing(self, year: int) -> Answer:
        """Ai chưa báo cáo số liệu nào, và những chỉ tiêu nào của huyện còn chờ số liệu ấy.

        Parameters
        ----------
        year : int
            The year.

        Returns
        -------
        DataFrame
            A row per unit with empty cells: ``cells`` (their headings), ``indicators`` (how many
            lack it), ``decides`` (the district's undetermined indicators that wait for it).

        Examples
        --------
        >>> from analysis import load
        >>> bool(load(2024).missing(2024)["indicators"].gt(0).all())
        True
        """
        from analysis.exploring.answers import missing

        return missing(self, year)  # type: ignore[arg-type]

    def tasks(self, year: int | None = None, unit: Names = None, state: Names = None) -> Answer:
        """Nhiệm vụ của từng CĐCS và của huyện, với trạng thái và thời hạn.

        Parameters
        ----------
        year : int, optional
            The study's year by default.
        unit, state : str or list of str, optional
            Whose, and in which state: ``overdue`` or ``Quá hạn``.

        Returns
        -------
        DataFrame
            A row per duty; ``due`` is empty for what never falls due.

        Examples
        --------
        >>> from analysis import load
        >>> set(load(2024).tasks(2024, state="Quá hạn")["state"])
        {'overdue'}
        """
        from analysis.exploring.answers import tasks

        return tasks(self, year, unit, state)  # type: ignore[arg-type]

    def sources(self, unit: str, year: int | None = None) -> Answer:
        """Mỗi số liệu của một CĐCS lấy từ tệp, trang tính, ô nào (khi dùng kho).

        Parameters
        ----------
        unit : str
            Its id or name.
        year : int, optional
            The study's year by default.

        Returns
        -------
        DataFrame
            A row per figure: its heading, the file, the sheet, the cell, the day and the reason.

        Raises
        ------
        InputError
            If the dataset has no store.
        """
        from analysis.exploring.answers import sources

        return sources(self, unit, year)  # type: ignore[arg-type]

    def needed(self, indicator: str | None = None, year: int | None = None) -> Answer:
        """Các nơi còn thiếu số liệu phải báo cáo bao nhiêu thì toàn địa bàn đạt chỉ tiêu.

        Parameters
        ----------
        indicator : str, optional
            Its id or title; every undetermined one by default.
        year : int, optional
            The study's year by default.

        Returns
        -------
        DataFrame
            ``needed`` persons, units or đồng, ``of_unknown`` that are not known, and the rate
            (``breakeven``) that the missing must reach.

        Examples
        --------
        >>> from analysis import load
        >>> bool((load(2024).needed()["missing"] > 0).all())
        True
        """
        from analysis.exploring.answers import needed

        return needed(self, indicator, year)  # type: ignore[arg-type]

    def assume(self, figures: Any, year: int | None = None) -> Assumption:
        """Giả định: cùng số liệu, nhưng vài ô có giá trị khác.

        Parameters
        ----------
        figures : mapping or DataFrame
            ``{("DN-LENTRANG", "workers_total"): 52}``, or a frame with ``unit_id`` and columns of
            the register or the return. None empties a cell.
        year : int, optional
            The study's year by default; a frame may have a column ``year``.

        Returns
        -------
        Assumption
            Another study; its ``difference()`` lists the verdicts that change. No page is made of it.

        Raises
        ------
        InputError
            If a unit, a column or a value is not what it should be, or a rule is broken.

        Examples
        --------
        >>> from analysis import load
        >>> study = load(2024)
        >>> study.assume({("TT-KHESANH", "informed"): 0}).difference().empty
        False
        """
        from analysis.exploring.whatif import assume

        return assume(self, figures, year)  # type: ignore[arg-type]

    def _repr_html_(self) -> str:
        from analysis.exploring.card import describe

        return describe(self)  # type: ignore[arg-type]

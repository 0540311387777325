"""A project opened for analysis: from its extract to a chart, each step worked out when it is first asked for.

This is the workshop: exact numbers and rows, on this machine only. Nothing here publishes or protects anything.
"""

import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from html import escape
from pathlib import Path

import pandas as pd

from qi_analysis.answers.build import draw_exactly
from qi_analysis.answers.measure_charts import find_statistics
from qi_analysis.answers.workshop import Workings
from qi_analysis.charts.control_chart import render_control_chart
from qi_analysis.charts.style import Look
from qi_analysis.errors import DataProblem, RecordProblem
from qi_analysis.extract.choose import choose_extract
from qi_analysis.extract.clean import Tables, build_tables, check_period, find_periods
from qi_analysis.extract.ledger import Account
from qi_analysis.extract.sources import Extract, read_extract
from qi_analysis.measures.pathways import Pathways, build_pathways
from qi_analysis.measures.results import build_results
from qi_analysis.periods import Period, parse_period, period_of, read_day
from qi_analysis.phrases import describe_months
from qi_analysis.record.findings import find_near
from qi_analysis.record.read_settings import read_whole_record
from qi_analysis.record.read_team import check_team_record, read_team_record
from qi_analysis.record.settings import Measure, Record
from qi_analysis.record.team import TeamRecord
from qi_analysis.spc.chart import build_chart_table
from qi_analysis.spc.spec import ChartSpec
from qi_analysis.storage import Places, choose_places, hold_lock

SYNTHETIC = "Synthetic data: no real person is in it."
RATIO_STATISTICS = ("share", "percent")  # drawn as p charts; every other measure as an XmR chart
UNITS = {"share": "share", "count": "count", "sum": "count"}


@dataclass(frozen=True, repr=False)
class Chart:
    """A control chart that shows itself in JupyterLab.

    Attributes
    ----------
    measure_id : str
        What is drawn.
    table : pandas.DataFrame
        One row a month, with the columns of `build_chart_table`; value and lines on the drawn scale.
    svg : str
        The picture as the page of a review has it, with alt text.
    key : tuple of (str, str)
        The sign and the words of each mark on the chart: tests, events and phases.
    is_synthetic : bool
        Whether its data were made up by this package; then it says so.
    """

    measure_id: str
    table: pd.DataFrame
    svg: str
    key: tuple[tuple[str, str], ...] = ()
    is_synthetic: bool = False

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        """The picture with its key on white, so that it can be read in a dark JupyterLab too."""
        lines = "".join(f"<li>{escape(sign)}: {escape(words)}</li>" for sign, words in self.key)
        note = f"<p><strong>{SYNTHETIC}</strong></p>" if self.is_synthetic else ""
        return (
            f'<div style="background:#fff;color:#212b32">{note}{self.svg}{f"<ul>{lines}</ul>" if lines else ""}</div>'
        )

    def __repr__(self) -> str:
        made_up = ", synthetic data" if self.is_synthetic else ""
        return f"<chart of {self.measure_id}, {len(self.table)} months{made_up}>"


class Source:
    """What a project is read from, read once however many days it is looked at as of."""

    def __init__(self, places: Places) -> None:
        self.places = places

    @cached_property
    def whole_record(self) -> tuple[Record, TeamRecord]:
        """(the settings, the team's own record)."""
        return read_whole_record(self.places.record)

    @cached_property
    def cleaned(self) -> tuple[Tables, Account, bool, list[str]]:
        """(canonical tables, what became of every row, whether the data are synthetic, what each file holds)."""
        record = self.whole_record[0]
        with nullcontext() if self.places.has_extract else hold_lock(self.places.processed):
            raw = choose_extract(self.places)
        only: list[Extract] = [read_extract(raw, record.columns)]
        kind, files = only[0].is_synthetic, only[0].file_tables
        return *build_tables(only.pop(), record), kind, files  # the text is freed once it is typed


class Project:
    """One project's extract and record, read, cleaned and counted when they are first asked for.

    Made by `open_project`. Holds rows and exact numbers: nothing of it may be shared. What was worked out is kept for
    as long as the object; open the project again after a file has changed.

    Attributes
    ----------
    record : Record
        The settings of project/.
    tables : Tables
        The canonical tables: referrals, contacts, activities, logs, scores; one row each.
    ledger : pandas.DataFrame
        file, rows_in, used, merged, set_aside: every row of the extract, one line a file.
    quality : pandas.DataFrame
        Each cleaning rule that was used, with the number of rows.
    set_aside : pandas.DataFrame
        file, line, table and rule of each row that was kept out.
    period : Period
        The last month that results speak of.
    pathways : Pathways
        One row per referral as at a day, in `.referrals`.
    results : pandas.DataFrame
        Every measure for every month up to `period`, exact.

    Raises
    ------
    DataProblem
        When the extract cannot be read or holds no whole month.
    RecordProblem
        When the settings are wrong, with every fault.
    """

    def __init__(self, source: "Source", as_at: date | None = None) -> None:
        self._source = source
        self._wanted = as_at

    def __repr__(self) -> str:
        return f"<project {self.record.title!r}>"

    @property
    def record(self) -> Record:
        """The settings of project/, frozen."""
        return self._source.whole_record[0]

    @property
    def tables(self) -> Tables:
        """The canonical tables."""
        return self._source.cleaned[0]

    @property
    def is_synthetic(self) -> bool:
        """Whether the data were made up by this package."""
        return self._source.cleaned[2]

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """file, rows_in, used, merged, set_aside: rows in = used + merged + set aside, for each file."""
        return self._source.cleaned[1].build_ledger()

    @cached_property
    def quality(self) -> pd.DataFrame:
        """rule, table, field, rows, treatment, says, why: one row for each cleaning rule that was used."""
        return self._source.cleaned[1].build_quality()

    @cached_property
    def set_aside(self) -> pd.DataFrame:
        """file, line, table, rule: one row for each row that was kept out."""
        return self._source.cleaned[1].build_set_aside()

    @cached_property
    def period(self) -> Period:
        """The last whole month up to the day that is looked at."""
        periods = find_periods(self.tables)
        if not periods:
            raise DataProblem("The extract holds no whole month of data. Is it the right export?")
        if self._wanted is None:
            return periods[-1]
        month = period_of(self._wanted)
        return month if month.end == self._wanted else month.plus(-1)

    @property
    def day(self) -> date:
        """The day the world is looked at: contacts after it do not exist, discharges after it are open."""
        return self._wanted or self.period.end

    @cached_property
    def pathways(self) -> Pathways:
        """One row per referral as at `day`: see `build_pathways`."""
        return build_pathways(self.tables, self.record.completion, self.day)

    def as_at(self, day: date | str) -> "Project":
        """The same project as the world stood on another day; the extract is not read again.

        Parameters
        ----------
        day : datetime.date or str
            A day, "2022-06-30", or a month, "2022-06", which means its last day.

        Returns
        -------
        Project

        Raises
        ------
        RecordProblem
            For a text that is neither.

        Examples
        --------
        >>> import qi_analysis as qi
        >>> project = qi.open_project()
        >>> project.as_at("2021-05").results["interval_start"].max()
        Timestamp('2021-05-01 00:00:00')
        """
        return Project(self._source, read_as_at(day))

    @cached_property
    def results(self) -> pd.DataFrame:
        """Every measure for every month up to `period`, exact: see `build_results`.

        Warns when a month seems to be missing or cut short, for which `qi run` would stop.
        """
        if self.period not in find_periods(self.tables):
            check_period(self.tables, self.period, self.record.accepted_gaps)
        try:
            check_period(self.tables, self.period, self.record.accepted_gaps)
        except DataProblem as problem:
            warnings.warn(str(problem), stacklevel=3)
        pathways = self.pathways if self.day == self.period.end else self.as_at(self.period.end).pathways
        return build_results(pathways, self.record.completion, self.period, self.record.measures)

    def monthly(self, measure_id: str, clock: str = "") -> pd.DataFrame:
        """One measure by month.

        Parameters
        ----------
        measure_id : str
            A block of measures.toml, or any measure of definitions.md such as "M031".
        clock : str, optional
            Which month counts: "end" (LI ended), "start" (LI began), "contact", "month_end" or "national". Left out:
            the block's own, else the first in which the measure is counted.

        Returns
        -------
        pandas.DataFrame
            One row a month, oldest first: measure_id, clock, interval_start, interval_end, numerator, denominator,
            value. A share runs from 0 to 1; its value is empty when nobody is in its denominator.

        Raises
        ------
        RecordProblem
            When there is no such measure, with the nearest name, or when it is not counted by that clock.

        Examples
        --------
        >>> import qi_analysis as qi
        >>> months = qi.open_project().monthly("li_completion")
        >>> bool((months["numerator"] <= months["denominator"]).all())
        True
        """
        rows = self.results[self.results["measure_id"] == measure_id]
        if rows.empty:
            raise RecordProblem(
                f"There is no measure {measure_id!r}.{find_near(measure_id, set(self.results['measure_id']))}"
            )
        block = self._find_block(measure_id)
        clock = clock or (block.month_by if block else str(rows["clock"].iloc[0]))
        if clock not in set(rows["clock"]):
            raise RecordProblem(
                f"{measure_id} is not counted by {clock!r}. Choose one of: {', '.join(rows['clock'].unique())}."
            )
        return rows[rows["clock"] == clock].reset_index(drop=True)

    def chart(self, measure_id: str, spec: ChartSpec | None = None) -> Chart:
        """The control chart of one measure, drawn as the page of a review draws it, from exact numbers.

        Parameters
        ----------
        measure_id : str
            A block of measures.toml, or any measure of definitions.md.
        spec : ChartSpec, optional
            Left out, a block is drawn with the rules, baseline, phases, target and marks of the record. Any other
            measure is drawn as a p chart when it is a share and as an XmR chart when it is not.

        Returns
        -------
        Chart
            With `.table` and `.svg`; JupyterLab shows it by itself.

        Raises
        ------
        RecordProblem
            When there is no such measure.
        ChartProblem
            When the chart cannot be made from it.

        Examples
        --------
        >>> import qi_analysis as qi
        >>> chart = qi.open_project().chart("li_completion")
        >>> chart.table.columns[:3].tolist()
        ['measure_id', 'interval_start', 'numerator']
        >>> chart.svg.startswith("<svg ")
        True
        """
        block = self._find_block(measure_id)
        if block is not None and spec is None:
            table, look, key = draw_exactly(self._build_workings(), block)
            return Chart(measure_id, table, render_control_chart(table, look), tuple(key), self.is_synthetic)
        months, statistic = self.monthly(measure_id), find_statistics(self.record).get(measure_id, "")
        usual = ChartSpec(
            chart="p" if statistic in RATIO_STATISTICS else "xmr",
            good=block.good if block else "either",
            rules=self.record.settings.rules,
            min_denominator=self.record.settings.min_denominator if statistic in RATIO_STATISTICS else 0,
            multiply=100 if statistic == "percent" else 1,
            phases=[phase.from_ for phase in self.record.phases],
        )
        table = build_chart_table(months, spec or usual)
        span = describe_months(table["interval_start"].iloc[0], table["interval_start"].iloc[-1])
        look = Look(measure_id.replace("_", "-"), f"Control chart of {measure_id} by month, {span}.", size="small",
                    unit=UNITS.get(statistic, statistic or "value"))  # fmt: skip
        return Chart(measure_id, table, render_control_chart(table, look), (), self.is_synthetic)

    def _find_block(self, measure_id: str) -> Measure | None:
        return next((one for one in self.record.measures if one.id == measure_id), None)

    def _build_workings(self) -> Workings:
        tables, account, is_synthetic, files = self._source.cleaned
        team = self._source.whole_record[1]
        if is_synthetic:  # the only data beside which the example may stand
            charts = {one.id: one.chart for one in self.record.measures}
            team = read_team_record(self._source.places.record, charts, allow_example=True)
        end = self.period.end
        pathways = self.pathways if self.day == end else self.as_at(end).pathways
        team = check_team_record(team, self.record, end, last_review=self.period.plus(-1).end)
        return Workings(
            self.record, self.period, tables, account, pathways, self.results, is_synthetic, files, team
        )  # fmt: skip


def read_as_at(day: date | str) -> date:
    """A day, or the last day of a month. Raises RecordProblem for a text that is neither."""
    if isinstance(day, date):
        return day
    found = read_day(day)
    return found or parse_period(day).end


def open_project(folder: Path | str = ".", as_at: date | str | None = None) -> Project:
    """A project to analyse, from any folder; nothing is read until it is asked for.

    With an empty data/raw the synthetic extract is used, as by `qi run`.

    Parameters
    ----------
    folder : path or str, optional
        The folder that holds project/ and notebooks/. Left out: the one that holds the current folder.
    as_at : datetime.date or str, optional
        The day to look at, "2022-06-30", or the last day of a month, "2022-06". Left out: the end of the last whole
        month of the extract.

    Returns
    -------
    Project

    Raises
    ------
    RecordProblem
        When the folder is no project.

    Examples
    --------
    >>> import qi_analysis as qi
    >>> project = qi.open_project()
    >>> project.ledger.columns.tolist()
    ['file', 'rows_in', 'used', 'merged', 'set_aside']
    >>> project.chart("li_completion")
    <chart of li_completion, 7 months, synthetic data>
    """
    return Project(Source(choose_places(folder)), None if as_at is None else read_as_at(as_at))

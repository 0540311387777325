"""What a control chart is asked to do: the chart, the rule set, the baseline, the phases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qi_analysis.errors import RecordProblem

SMALLEST_BASELINE = 12  # limits from fewer points are trial limits (Making Data Count; Provost & Murray 2011)
D2 = 1.128  # mean range of two observations in units of sigma, as printed in tables (Montgomery, appendix VI)
D2_EXACT = 1.1283791670955126  # 2 / sqrt(pi)

RATIO_CHARTS = ("p", "pp", "u", "up", "ip")  # plotted value is numerator / denominator
SUBGROUP_CHARTS = ("xbar", "s")  # several rows share an interval_start
CHARTS = ("run", "i", "xmr", "mr", "c", "g", "t", *RATIO_CHARTS, *SUBGROUP_CHARTS)

DateLike = Any  # a date, a timestamp or, on a chart without dates, a number
PerSeries = Mapping[str, Any]


class ChartProblem(RecordProblem, ValueError):
    """A chart was asked for that cannot be made: the settings or the points do not allow it."""


@dataclass(frozen=True)
class RuleSet:
    """The conventions of one reference program.

    range_factor: half the distance between the limits of an XmR chart, in mean moving ranges.
    median_factor: the same in median moving ranges.
    screen_factor: a moving range at or above so many mean ranges is left out once (0: none is).
    shift, trend: number of points in a row; 0 where the set has no such rule.
    two_of_three: "band" (both between 2 and 3 sigma, all three on one side), "beyond" (both beyond
        2 sigma on one side, the third anywhere) or "" (no such rule).
    skips_ties, skips_gaps: a point on the centre line, or a missing value, is passed over; otherwise
        it ends a run.
    """

    range_factor: float = 3 / D2
    median_factor: float = 3.145
    range_limit: float = 3.267
    screen_factor: float = 0.0
    shift: int = 0
    trend: int = 0
    two_of_three: str = ""
    skips_ties: bool = False
    skips_gaps: bool = False


RULE_SETS = {
    "making_data_count": RuleSet(
        range_factor=2.66, screen_factor=3.267, shift=7, trend=7, two_of_three="band"
    ),
    "ihi": RuleSet(
        range_factor=2.66, screen_factor=3.267, shift=8, trend=6, two_of_three="beyond",
        skips_ties=True, skips_gaps=True,
    ),
    "anhoej": RuleSet(screen_factor=3.267, skips_ties=True, skips_gaps=True),
    "wheeler": RuleSet(range_factor=2.66, range_limit=3.268, shift=8, skips_ties=True, skips_gaps=True),
    "nelson": RuleSet(range_factor=3 / D2_EXACT, shift=9, trend=6, two_of_three="beyond", skips_gaps=True),
    "western_electric": RuleSet(range_factor=3 / D2_EXACT, shift=8, two_of_three="beyond", skips_gaps=True),
    "configurable": RuleSet(shift=7, trend=5, two_of_three="beyond"),
}  # fmt: skip


@dataclass(frozen=True)
class ChartSpec:
    """One kind of chart for one or many series. Dates are compared with `interval_start`.

    Parameters
    ----------
    chart : str
        One of CHARTS: run, i, xmr, mr, c, g, t; p, pp, u, up, ip for a numerator and a denominator; xbar and s where
        several rows share an `interval_start`.
    rules : str
        One of RULE_SETS: making_data_count, ihi, anhoej, wheeler, nelson, western_electric, configurable.
    good : str
        "up", "down" or "either": the direction that counts as improvement.
    baseline_points : int or None
        Lines come from the first so many drawn points of each phase and are frozen after them; None uses every point of
        the phase.
    baseline : (date, date), optional
        First and last day of the baseline of phase 1, in place of its first points.
    phases : sequence of dates, or dict of measure_id to dates
        At which new limits start.
    target : float, or dict of measure_id to float
        On the scale that is plotted.
    min_denominator : float
        A point resting on fewer is not drawn and takes no part in lines or rules.
    excluded : sequence of dates, or dict of measure_id to dates
        Points that stay drawn but take no part in lines or runs.
    centre : float, optional
        A given centre line (on a G chart a given mean), before `multiply`.
    average, range_average : str
        "mean" or "median", of the values and of the moving ranges of an XmR chart.
    ranges : str
        "screened" or "all" moving ranges; "" leaves it to the rule set.
    multiply : float
        The plotted value and every line times this.
    decimals : int, optional
        Round centre and mean range of an XmR chart to so many places before the limits (as statprocon does, with 3).
    negative : str
        "drawn", or "cut" to hold lower limits at 0 where no value is negative.
    runs_method : str
        "anhoej", "bestbox" or "cutbox", the critical values of the runs analysis.
    shift_points, trend_points : int
        Lengths in place of the rule set's own; 0 leaves them.
    two_of_three_marks : str
        "two" (only the points beyond) or "three".

    Raises
    ------
    ChartProblem
        For a setting that is not known or does not fit; it is a ValueError too.

    Examples
    --------
    >>> import qi_analysis as qi
    >>> qi.ChartSpec(chart="xmr", good="down").shift_length
    7
    """

    chart: str = "p"
    rules: str = "making_data_count"
    good: str = "up"
    baseline_points: int | None = SMALLEST_BASELINE
    baseline: tuple[DateLike, DateLike] | None = None
    phases: Sequence[DateLike] | PerSeries = ()
    target: float | PerSeries | None = None
    min_denominator: float = 0
    excluded: Sequence[DateLike] | PerSeries = ()
    centre: float | None = None
    average: str = "mean"
    range_average: str = "mean"
    ranges: str = ""
    multiply: float = 1
    decimals: int | None = None
    negative: str = "drawn"
    runs_method: str = "anhoej"
    shift_points: int = 0
    trend_points: int = 0
    two_of_three_marks: str = "two"

    def __post_init__(self) -> None:
        allowed = {
            "chart": CHARTS,
            "rules": tuple(RULE_SETS),
            "good": ("up", "down", "either"),
            "average": ("mean", "median"),
            "range_average": ("mean", "median"),
            "ranges": ("", "screened", "all"),
            "negative": ("drawn", "cut"),
            "runs_method": ("anhoej", "bestbox", "cutbox"),
            "two_of_three_marks": ("two", "three"),
        }
        for name, choices in allowed.items():
            if getattr(self, name) not in choices:
                words = ", ".join(repr(choice) for choice in choices)
                raise ChartProblem(f"Chart setting '{name}' must be one of {words}.")
        points = self.baseline_points
        fewest = SMALLEST_BASELINE if self.rules in ("making_data_count", "ihi") else 1
        if points is not None and points < fewest:
            raise ChartProblem(f"Chart setting 'baseline_points' must be at least {fewest}.")

    @property
    def rule_set(self) -> RuleSet:
        """The conventions of the rule set by its name."""
        return RULE_SETS[self.rules]

    @property
    def screen_factor(self) -> float:
        """Moving ranges at or above so many times their mean are left out once; 0 keeps all."""
        if self.ranges == "all":
            return 0.0
        return 3.267 if self.ranges == "screened" else self.rule_set.screen_factor

    @property
    def shift_length(self) -> int:
        """Points on one side of the centre that make a shift (IHI: 6 on a run chart; Perla 2011)."""
        own = 6 if self.rules == "ihi" and self.chart == "run" else self.rule_set.shift
        return self.shift_points or own

    @property
    def trend_length(self) -> int:
        """Points rising or falling that make a trend (IHI: 5 on a run chart; Perla 2011)."""
        own = 5 if self.rules == "ihi" and self.chart == "run" else self.rule_set.trend
        return self.trend_points or own

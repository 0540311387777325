"""What is counted, over what and by which date: the lines of definitions/measures.csv and the team's own blocks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from qi_analysis.codes import REFERENCE, read_rows
from qi_analysis.measure_names import CLOCKS, MEASURES, build_names, find_statistic
from qi_analysis.settings import Measure

DATE_CLOCKS = {"li_end": "end", "li_start": "start", "li_first_session_on": "start"}  # every other date: national
TABLE_CLOCKS = {"bookings": "contact", "open_episodes": "month_end"}


@dataclass(frozen=True)
class MeasureDefinition:
    """One measure by one month; name and words of national measures come from data/reference."""

    measure_id: str
    statistic: str  # count | share | percent | mean | median | ratio | sum
    table: str  # referrals | episodes | contacts | therapies | logs | bookings | open_episodes
    month_by: str
    numerator: str
    codes: tuple[str, ...]
    denominator: str
    name: str
    says: str

    @property
    def clock(self) -> str:
        return TABLE_CLOCKS.get(self.table) or DATE_CLOCKS.get(self.month_by, "national")


@cache
def read_definitions() -> tuple[MeasureDefinition, ...]:
    """Every measure that is always worked out, in the order of the file."""
    national = {row["measure_id"]: row for row in read_rows(REFERENCE / "national_measures.csv")}
    definitions = []
    for row in read_rows(MEASURES):
        known = national.get(row["measure_id"], {})
        words = {"name": row["name"] or known["description"], "says": row["says"] or known["construction"]}
        rest = {
            name: row[name] for name in ("measure_id", "statistic", "table", "month_by", "numerator", "denominator")
        }
        definitions.append(MeasureDefinition(**rest, **words, codes=tuple(row["codes"].split())))
    return tuple(definitions)


def build_definitions(measures: Sequence[Measure], completion_ids: Iterable[str]) -> tuple[MeasureDefinition, ...]:
    """Every measure that is always worked out, then the blocks that are not among them.

    completion_ids: the ids of the definitions of "completed". Raises KeyError for a name that is not known: the
    record checks names when it is read.
    """
    standing, names = read_definitions(), build_names(completion_ids)
    known = {(one.measure_id, one.clock) for one in standing}
    blocks = [one for one in measures if (one.id, one.month_by) not in known]
    return (
        *standing,
        *(_build_definition(one, find_statistic(one, names), names[one.numerator].table) for one in blocks),
    )


def _build_definition(measure: Measure, statistic: str, table: str) -> MeasureDefinition:
    return MeasureDefinition(
        measure_id=measure.id, statistic=statistic, table=table, month_by=CLOCKS[table][measure.month_by],
        numerator=measure.numerator, codes=(), denominator=measure.denominator, name=measure.name, says=measure.plain,
    )  # fmt: skip

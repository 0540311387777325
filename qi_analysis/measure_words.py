"""The wording of a measure, from its block of project/measures.toml."""

from collections.abc import Mapping

from qi_analysis.measure_names import MeasureName, find_statistic
from qi_analysis.phrases import LI_COMPLETION_WORDS, MeasureWords
from qi_analysis.settings import Measure

UNITS = {"share": "share", "mean": "number", "count": "count"}
COUNTED = {"people": "people", "appointments": "LI appointments"}


def build_measure_words(measure: Measure, names: Mapping[str, MeasureName]) -> MeasureWords:
    """Name, direction and titles of a block; the headline has words of its own.

    Without `higher` and `lower` in the block the titles are its name with "higher than usual" and "lower than usual".
    The people sentence answers the block's plain question.
    """
    if measure.id == "li_completion":
        return LI_COMPLETION_WORDS
    higher = measure.higher or f"{measure.name}: higher than usual"
    lower = measure.lower or f"{measure.name}: lower than usual"
    better, worse = (lower, higher) if measure.good == "down" else (higher, lower)
    unit = UNITS[find_statistic(measure, names)]
    kind = names[measure.denominator or measure.numerator].kind
    answer = f"{{share}} {COUNTED[kind]}" if unit == "share" else "{value}"
    return MeasureWords(
        name=measure.name, people=f"the answer was {answer}", higher=higher, lower=lower, good=measure.good,
        better=better, worse=worse, unit=unit,
    )  # fmt: skip

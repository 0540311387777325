"""What the plain edition may say: the headline protected strictly, and its sentences in plain words.

Counts of 1 to 7 are hidden, others rounded to 5, shares worked out from these and none on fewer than 20 people
(decision 11), whatever the team edition shows. The verdict is the team's own, from the true numbers.
"""

import re
from dataclasses import replace
from typing import Any

import pandas as pd

from qi_analysis.disclosure import protect_results
from qi_analysis.measure_charts import NUMBERS, build_charts, find_statistics
from qi_analysis.measure_names import build_names
from qi_analysis.measure_words import build_measure_words
from qi_analysis.phrases import HIDDEN, MeasureWords, describe_month, describe_tenths, upper_first
from qi_analysis.settings import Measure
from qi_analysis.wording import State, Verdict, describe_chart, describe_people, describe_target, describe_title
from qi_analysis.workings import Workings

HEADLINE = "li_completion"  # has a people sentence of its own
PLAIN_WORDS = {  # the team's words and what stands for them, the longer ones first
    r"\bLI CBT\b": "Low Intensity CBT",
    r"\bLI\b": "Low Intensity CBT",
    r"\bHI\b": "longer therapy",
    r"\bsession(s?)\b": r"appointment\1",
    r"\bsettled month(s?)\b": r"month\1",
}
CHANGED = {
    State.EARLY: "We need more months to see that.",
    State.CANNOT_SAY: "We cannot tell until we have checked the figures.",
}
NOTHING_CHANGED = "We saw only the usual ups and downs."
VERDICTS = {
    State.MIXED: "The picture is mixed. Some months were better than usual, and some were worse.",
    State.CHANGED: "This has changed, and it is unlikely to be chance.",
}


def build_plain(
    workings: Workings, cohort: pd.DataFrame, verdict: Verdict, team: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """(table plain_chart, the sentences of the plain edition).

    cohort: see build_settled_months. team: the results as the team edition shows them; what is hidden there is hidden here.
    """
    record = workings.record
    measure = next(block for block in record.measures if block.id == record.aim.measure)
    chart = _build_chart(workings, measure, cohort, team)
    words = _build_words(measure, build_measure_words(measure, build_names(record.completion.definitions)))
    return {"plain_chart": chart}, {
        "verdict": describe_plain_verdict(verdict),
        "people": describe_plain_people(chart)
        if measure.id == HEADLINE
        else describe_plainly(describe_people(chart, words)),
        "changed": CHANGED.get(verdict.state) or describe_plainly(" ".join(verdict.reasons)) or NOTHING_CHANGED,
        "target": describe_plainly(describe_target(chart, words, record.aim.target, record.aim.by)),
        "question": describe_plainly(measure.plain),
        "population": describe_plainly(record.aim.population),
        "chart_title": describe_plainly(describe_title(chart, words, verdict)),
        "chart_alt": describe_plainly(describe_chart(chart, words, verdict, "plain")),
    }


def _build_chart(workings: Workings, measure: Measure, cohort: pd.DataFrame, team: pd.DataFrame) -> pd.DataFrame:
    """The headline's chart table, every number of it protected strictly; signals are those of the true numbers."""
    needed = workings.results["measure_id"].isin([measure.id, "li_unknown_ending"])
    results = workings.results[needed].reset_index(drop=True)
    only = replace(workings, record=replace(workings.record, measures=(measure,)), results=results)
    statistic = pd.Series(find_statistics(workings.record))
    released = protect_results(results, statistic, pd.Series(False, index=results.index))
    is_hidden = team.loc[needed, "is_hidden"].to_numpy()
    released.loc[is_hidden, NUMBERS] = float("nan")
    released["is_hidden"] |= is_hidden
    return build_charts(only, released, cohort).take(measure)[1]


def _build_words(measure: Measure, words: MeasureWords) -> MeasureWords:
    """The words of the headline without initials."""
    told = {name: describe_plainly(getattr(words, name)) for name in ("people", "higher", "lower")}
    return replace(words, name=describe_plainly(measure.name), **told)


def describe_plainly(text: str) -> str:
    """A sentence with the team's short names written out: "LI CBT" is "Low Intensity CBT", a session an appointment."""
    for short, plain in PLAIN_WORDS.items():
        text = re.sub(short, plain, text)
    return text


def describe_plain_verdict(verdict: Verdict) -> str:
    """The verdict in short sentences. What nothing can be said of keeps its reason, without figures."""
    if verdict.state == State.CANNOT_SAY:
        why = " ".join(f"{upper_first(reason.partition(':')[0].rstrip('.'))}." for reason in verdict.reasons)
        return describe_plainly(f"We cannot say this month. {why}")
    return describe_plainly(VERDICTS.get(verdict.state, verdict.sentence))


def describe_plain_people(chart: pd.DataFrame) -> str:
    """The latest settled month in people, from the released numbers; says so when it is hidden or too small."""
    settled = chart[chart["is_settled"].astype(bool)]
    if settled.empty:
        return "We do not have a whole month of figures yet."
    row = settled.iloc[-1]
    month = describe_month(row["interval_start"])
    if bool(row["is_hidden"]):
        return f"The figure for {month} is {HIDDEN}."
    if pd.isna(row["value"]) or not row["is_drawn"]:
        return f"We cannot give a figure for {month}."
    told = f"In {month}, treatment ended for about {row['denominator']:,.0f} people."
    share = describe_tenths(row["numerator"], row["denominator"])
    return f"{told} About {row['numerator']:,.0f} of them had completed it. That is {share.removesuffix(' of the')}."

"""When do people leave, for page 6, and why, for page 7; protected.

When: LI starters session by session, and week by week. An episode ends in one of the ways of ENDS or goes on. Leaving
early is what is recorded as that (exit categories dropped_out and declined); an ending that is not known, of another
kind, or planned but too short to count as completed is "ended in another way". People still in treatment are never
counted as having left: they are censored on the last day of the review's month.

Why: recorded reasons by size, and how people who left early were. Counted are LI episodes that ended in the last 12
months without being completed, stepped up or ended by death. An end code says how a referral ended, in the words of
whoever closed it; it is not what the person would say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from qi_analysis.answers.workshop import Workings
from qi_analysis.charts.style import affects
from qi_analysis.disclosure.counts import LARGEST_HIDDEN, NOT_SHOWN, SMALLEST_BASE, TOTAL, CountBook
from qi_analysis.disclosure.result_counts import COMPLETED_LI, ENDED_LI, LEFT_LI, name_year
from qi_analysis.facts import ChangeFacts, LeavingFacts, ReasonsFacts
from qi_analysis.measures.flags import ENDED
from qi_analysis.periods import Period, describe_day
from qi_analysis.phrases import describe_month
from qi_analysis.spc.statistics import NOT_ENDED, build_incidence, calculate_difference

ENDS = {  # how an episode ended, and its exit categories
    "completed": ("completed",),
    "left_early": ("dropped_out", "declined"),
    "another_way": ("short_planned", "other_end", "unknown"),
    "stepped_up": ("stepped_up",),
    "died": ("deceased",),
}
SHOWN = ("completed", "left_early", "another_way", "stepped_up")  # who died is counted apart and not printed
LAST_SESSION = 8  # that many and more stand in one row
MONTHS = 12
SHORTEST_WINDOW, LONGEST_WINDOW = 91, 365  # days of starters before and after a date
WEEK = 7
EACH_OF_TWO = 0.975
LI_START = "episodes.li_start."  # counts by the month LI began: the start of their names
NOT_RECORDED, OTHERS = "not recorded or not known", "other reasons together"
REASONS = {  # end code: in words for a reader; the national names are in data/reference/end_codes.csv
    "10": "not suitable for treatment here, no further action or back to the referrer",
    "11": "signposted elsewhere by agreement",
    "12": "ended by agreement after advice and support",
    "13": "referred to another therapy service by agreement",
    "14": "decided not to take up the treatment offered",
    "16": "left during the assessment",
    "46": "ended as planned, too few sessions to count as completed",
    "47": "left before the practitioner had planned",
    "48": "ended by the service before the person wished",
    "50": "recorded as not assessed",
}
REASON_TOTAL, SCORE_TOTAL = "reasons total", "scores total"  # the names of two counts
STATES = ("better", "not_better", "cannot_tell")


# When people leave: session by session, week by week, before and after a change.
@dataclass(frozen=True)
class Change:
    """A dated change with people on both sides of it, each followed for as long.

    window: days of starters on each side. weeks: how long each person is followed. is_early: the people before it
    are among the first in the data, where those who waited long for LI are missing.
    """

    on: date
    what: str
    window: int
    weeks: int
    is_early: bool


def build_leaving(
    workings: Workings, settled: pd.DataFrame, book: CountBook | None = None
) -> tuple[dict[str, pd.DataFrame], LeavingFacts]:
    """(tables leaving_sessions and leaving_weeks, the facts of the page). settled: see build_settled_months.

    Sessions: LI starters of the last 12 settled months. Weeks: everyone who began since the first of these (of
    the last 12 months where none is settled), and the two sides of the latest change that allows it.
    """
    episodes = build_starters(workings)
    weeks = workings.record.completion.settled.fixed_horizon_weeks
    months = settled.loc[settled["is_settled"], "interval_start"].tail(MONTHS)
    since = months.min() if len(months) else pd.Timestamp(workings.period.plus(1 - MONTHS).start)
    recent = episodes[(episodes["start"] >= since).to_numpy()]
    own = episodes[episodes["start"].dt.to_period("M").isin(months.dt.to_period("M")).to_numpy()]
    change = find_change(workings, episodes)
    groups = {"all": recent} | (_split_at(episodes, change) if change else {})
    book = book or CountBook()
    curves = [build_weeks(group, change.weeks if change else weeks, name, book) for name, group in groups.items()]
    _add_months(book, months)
    facts = LeavingFacts(
        months=tuple(describe_month(day) for day in (months.iloc[[0, -1]] if len(months) else [])),
        n_months=len(months),
        since_words=describe_day(since),
        last_words=describe_day(workings.period.end),
        weeks=weeks,
        change=_describe_change(change, groups) if change else None,
    )
    tables = {"leaving_sessions": build_sessions(own, book), "leaving_weeks": pd.concat(curves, ignore_index=True)}
    return tables, facts


def _add_months(book: CountBook, months: pd.Series) -> None:
    """What the table of sessions adds up to is what the monthly results say of the same starters."""
    named = {"1 came": [f"{LI_START}li_started"]}
    named |= {end: [f"{LI_START}li_exit_{one}" for one in exits] for end, exits in ENDS.items()}
    for column, bases in named.items():
        parts = [[f"{base}@{month}"] for base in bases for month in months.dt.strftime("%Y-%m")]
        book.add_sums([f"sessions {column}"], parts, is_wide=True)


def build_starters(workings: Workings) -> pd.DataFrame:
    """One row for each LI episode: start, n_li, days followed, and end (the place in ENDS, or NOT_ENDED if open)."""
    referrals = workings.pathways.referrals
    chosen = referrals[referrals["is_li"].to_numpy()]
    place = {exit_: number for number, exits in enumerate(ENDS.values()) for exit_ in exits} | {"open": NOT_ENDED}
    exits = chosen[f"exit_{workings.record.completion.team_choice}"]
    end = exits.astype("object").map(place).astype("int64")
    until = chosen["li_end"].where(end != NOT_ENDED, pd.Timestamp(workings.period.end))
    days = (until - chosen["li_start"]).dt.days.clip(lower=0)
    return pd.DataFrame({"start": chosen["li_start"], "n_li": chosen["n_li"], "days": days, "end": end})


def build_sessions(starters: pd.DataFrame, book: CountBook | None = None) -> pd.DataFrame:
    """One row for each LI session 1 to LAST_SESSION and more: session, came, one column for each of SHOWN, open, next.

    came: people with at least so many sessions; they stay, come to the next one, or that session was their last
    one before they completed, left early, ended in another way, were stepped up, died (not shown) or while they
    are still in treatment (open). Counts are rounded to 5, 1 to 7 hidden.
    """
    session = starters["n_li"].clip(1, LAST_SESSION).to_numpy(dtype="int64")
    last = np.zeros((LAST_SESSION, len(ENDS) + 1))
    np.add.at(last, (session - 1, starters["end"].to_numpy()), 1)  # NOT_ENDED is the last column
    table = pd.DataFrame(last, columns=[*ENDS, "open"])
    came = last.sum(axis=1)[::-1].cumsum()[::-1]
    counts = table[["died", *SHOWN, "open"]].assign(came=came, next=np.append(came[1:], 0))
    names = [str(number) for number in range(1, LAST_SESSION)] + [f"{LAST_SESSION} or more"]
    return _show_sessions(book or CountBook(), counts).assign(session=names)


def _show_sessions(book: CountBook, counts: pd.DataFrame) -> pd.DataFrame:
    """The counts as they may be shown; who died is none of them, and a row is who came."""
    rows = range(1, LAST_SESSION + 1)
    named = {column: [f"sessions {row} {column}" for row in rows] for column in ("came", "died", *SHOWN, "open")}
    named["next"] = [*named["came"][1:], f"sessions {LAST_SESSION} next"]
    book.note(named["died"], counts["died"], counts["died"] * np.nan, NOT_SHOWN)
    for end in ENDS:
        total = pd.Series([counts[end].sum()])
        book.note([f"sessions {end}"], total, total * np.nan, NOT_SHOWN)
        book.add_sums([f"sessions {end}"], [[name] for name in named[end]])
    book.add_sums(named["came"], [named[column] for column in ("died", *SHOWN, "open", "next")])
    columns = ("came", *SHOWN, "open", "next")
    return pd.DataFrame({one: book.show(named[one], counts[one], TOTAL * (one == "came")) for one in columns})


def build_weeks(starters: pd.DataFrame, weeks: int, group: str, book: CountBook | None = None) -> pd.DataFrame:
    """One row a week from 0: group, week, people, at_risk, and for each of SHOWN the people with that end by then.

    The people are the share by Aalen and Johansen times those who began: without censoring exactly the count.
    They are protected as counts are, and share_<end> is worked out from the protected numbers.
    """
    at = np.arange(weeks + 1)
    curve = build_incidence(starters["days"].to_numpy(), starters["end"].to_numpy(), list(ENDS), at * WEEK)
    book, n = book or CountBook(), len(starters)
    named = {column: [f"weeks {group} {week} {column}" for week in at] for column in (*SHOWN, "at_risk")}
    people = float(book.show([f"weeks {group}"], pd.Series([n]), TOTAL).iloc[0])
    true = (curve[list(SHOWN)] * n).round().assign(at_risk=curve["at_risk"])
    shown = pd.DataFrame({column: book.show(names, true[column]) for column, names in named.items()})
    still = [[None, *named[end][:-1]] for end in SHOWN]  # who had ended by the week before is not at risk
    book.add_sums([f"weeks {group}"] * len(at), [named["at_risk"], *still], is_least=True)
    base = people if people >= SMALLEST_BASE else np.nan
    shares = (shown[list(SHOWN)] / base).clip(upper=1).add_prefix("share_")
    frame = pd.DataFrame({"group": group, "week": at, "people": people, "at_risk": shown["at_risk"]})
    return pd.concat([frame, shown[list(SHOWN)], shares], axis=1)


def find_change(workings: Workings, starters: pd.DataFrame) -> Change | None:
    """The latest phase or event, else the project's start, with equal follow-up of people before and after it.

    After: those who began from that day on and have been followed for the fixed horizon. Before: those who began
    in as many days before it. 13 weeks to a year on each side, at least 20 people each; None if no date has that.
    """
    record, weeks = workings.record, workings.record.completion.settled.fixed_horizon_weeks
    dated = [(phase.from_, phase.reason) for phase in record.phases]
    dated += [(event.date, event.what) for event in record.events if affects(event.could_affect, record.aim.measure)]
    candidates = [*sorted(dated, reverse=True), (record.started, "the improvement project began")]
    changes = [_build_change(on, what, workings.period.end, starters, weeks) for on, what in candidates]
    return next((change for change in changes if change is not None), None)


def _build_change(on: date, what: str, as_at: date, starters: pd.DataFrame, weeks: int) -> Change | None:
    if starters.empty:
        return None
    after = (as_at - timedelta(weeks=weeks) - on).days + 1
    before = (on - starters["start"].min().date()).days
    window = min(after, before, LONGEST_WINDOW)
    change = Change(on, what, window, weeks, is_early=before - window < SHORTEST_WINDOW)
    if change.window < SHORTEST_WINDOW:
        return None
    return change if min(len(group) for group in _split_at(starters, change).values()) >= SMALLEST_BASE else None


def _split_at(starters: pd.DataFrame, change: Change) -> dict[str, pd.DataFrame]:
    """Those who began in the days before and from the day of the change on, nobody followed beyond the horizon."""
    offset = (starters["start"] - pd.Timestamp(change.on)).dt.days.to_numpy()
    longest = change.weeks * WEEK
    end = starters["end"].where(starters["days"] <= longest, NOT_ENDED)
    equal = starters.assign(days=starters["days"].clip(upper=longest), end=end)
    before, after = (offset < 0) & (offset >= -change.window), (offset >= 0) & (offset < change.window)
    return {"before": equal[before], "after": equal[after]}


def _describe_change(change: Change, groups: dict[str, pd.DataFrame]) -> ChangeFacts:
    """The change in words, and for completing and leaving early whether chance alone could make the difference.

    The judgement is taken from the true numbers: could the difference of the two shares be none? 95% for both
    judgements together, so an interval of 97.5% for each.
    """

    def could_be_chance(name: str) -> bool:
        place = list(ENDS).index(name)
        after, before = (
            (float((groups[side]["end"] == place).sum()), float(len(groups[side]))) for side in ("after", "before")
        )
        _, lower, upper = calculate_difference(after, before, EACH_OF_TWO)
        return bool(lower <= 0 <= upper)

    return ChangeFacts(
        on_words=describe_day(change.on),
        what=change.what,
        window=change.window,
        weeks=change.weeks,
        is_early=change.is_early,
        completed_could_be_chance=could_be_chance("completed"),
        left_early_could_be_chance=could_be_chance("left_early"),
    )


# Why people leave.
def build_reasons(workings: Workings, book: CountBook | None = None) -> tuple[dict[str, pd.DataFrame], ReasonsFacts]:
    """(tables reasons and reasons_scores, the facts of the page). Every count is noted in `book`."""
    book = book or CountBook()
    ended = build_ended(workings)
    first = workings.period.plus(1 - MONTHS)
    left = ended[ended["exit"].isin(ENDS["left_early"]).to_numpy()]
    tables = {"reasons": build_reason_counts(ended, book), "reasons_scores": build_score_counts(left, book)}
    _add_year(book, workings.period)
    return tables, ReasonsFacts((first.words, workings.period.words))


def _add_year(book: CountBook, period: Period) -> None:
    """The totals are what the monthly results say of the year: everyone who ended, less who completed; who left."""
    ended, completed, left = (name_year(one, period) for one in (ENDED_LI, COMPLETED_LI, LEFT_LI))
    book.add_sums([ended], [[completed], [REASON_TOTAL]], is_wide=True)
    book.add_sums([left], [[SCORE_TOTAL]], is_wide=True)


def build_ended(workings: Workings) -> pd.DataFrame:
    """LI episodes of the headline denominator that ended in the 12 months to the period, with `exit`, their category."""
    referrals = workings.pathways.referrals
    exits = referrals[f"exit_{workings.record.completion.team_choice}"]
    first, last = pd.Timestamp(workings.period.plus(1 - MONTHS).start), pd.Timestamp(workings.period.end)
    chosen = (referrals["is_li"] & exits.isin(ENDED) & referrals["li_end"].between(first, last)).to_numpy()
    return referrals[chosen].assign(exit=exits[chosen])


def build_reason_counts(ended: pd.DataFrame, book: CountBook | None = None) -> pd.DataFrame:
    """reason, people, total, share, running_share: "not recorded" first, then by size, small reasons together last.

    Reasons of 1 to 7 people are counted together. people and total are rounded to 5; a sum of 1 to 7 is hidden.
    share and running_share (this row and those above) come from the rounded numbers and stop at 1. Reasons of the
    same size stand in alphabetical order. No row for "not recorded" only when nobody ended without completing.
    """
    reason = _name_reasons(ended[(ended["exit"] != "completed").to_numpy()])
    counts = reason.value_counts().astype("float64")
    small = (counts <= LARGEST_HIDDEN) & (counts.index != NOT_RECORDED)
    named = counts[~small].drop(NOT_RECORDED, errors="ignore").sort_index().sort_values(ascending=False, kind="stable")
    known = {NOT_RECORDED: counts.get(NOT_RECORDED, 0.0)} if len(counts) else {}
    rest = {OTHERS: counts[small].sum()} if small.any() else {}
    every = pd.concat([pd.Series(part, dtype="float64") for part in (known, named, rest)])
    people, total = _show_parts(book or CountBook(), "reasons." + every.index.astype("object"), every, REASON_TOTAL)
    base = total if total >= SMALLEST_BASE else np.nan
    share = (people / base).clip(upper=1)
    running = (people.fillna(0).cumsum() / base).clip(upper=1)
    frame = pd.DataFrame({"people": people, "total": total, "share": share, "running_share": running})
    return frame.rename_axis("reason").reset_index()


def _show_parts(book: CountBook, names: Sequence[str], parts: pd.Series, total: str) -> tuple[pd.Series, float]:
    """Parts and their total as they may be shown."""
    book.add_sums([total], [[name] for name in names])
    return book.show(names, parts), float(book.show([total], pd.Series([parts.sum()]), TOTAL).iloc[0])


def _name_reasons(left: pd.DataFrame) -> pd.Series:
    """The recorded reason of each episode in words; an ending that counts as not known has none."""
    words = left["end_code"].astype("object").map(REASONS)
    is_unknown = left["exit"].eq("unknown").to_numpy()
    return words.fillna("another recorded reason").mask(is_unknown, NOT_RECORDED)


def build_score_counts(left: pd.DataFrame, book: CountBook | None = None) -> pd.DataFrame:
    """state, people, total, share of people who left early: better, not_better, cannot_tell (rounded to 5).

    Better is reliable improvement between the first and last recorded scores of the referral: PHQ-9 down by at
    least 6 or GAD-7 by at least 4, and neither up by as much. Without two scores of one questionnaire we cannot
    tell. Shares come from the rounded numbers, on at least 20 people.
    """
    paired, improved = left["is_paired"].to_numpy(dtype=bool), left["improved"].to_numpy(dtype=bool)
    counts = pd.Series([(paired & improved).sum(), (paired & ~improved).sum(), (~paired).sum()], dtype="float64")
    people, total = _show_parts(book or CountBook(), [f"scores.{state}" for state in STATES], counts, SCORE_TOTAL)
    share = (people / (total if total >= SMALLEST_BASE else np.nan)).clip(upper=1)
    return pd.DataFrame({"state": STATES, "people": people, "total": total, "share": share})

"""Can these numbers be trusted, for page 13: rows, repairs, blanks, definitions, and the alarm that recording has changed.

The tables are protected. The alarm looks at the codes of LI endings: a figure of completion can move because care
changed or because its recording did. Each month the share of every kind of ending is compared with the baseline; what
moves too far, two months in a row, opens the alarm, and an open alarm stops the verdict. It closes with a dated heading
in decisions.md of the record, written by the team once it has looked:

    ## 2023-02-14 recording change: endings without a code checked
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from qi_analysis.answers.leaving import MONTHS, build_ended
from qi_analysis.answers.workshop import Workings
from qi_analysis.dataset import INVALID, read_rows
from qi_analysis.disclosure.counts import (
    NOT_SHOWN,
    SMALLEST_BASE,
    TOTAL,
    CountBook,
    calculate_released_share,
    is_small,
    round_count,
)
from qi_analysis.disclosure.result_counts import ENDED_LI, FINISHED, TREATED, name_completed, name_year
from qi_analysis.extract.ledger import Account
from qi_analysis.measures.results import read_definitions
from qi_analysis.periods import Period, build_periods, period_of, read_day
from qi_analysis.phrases import describe_month, describe_value, upper_first
from qi_analysis.record.files import read_text
from qi_analysis.record.findings import Faults
from qi_analysis.storage import DEFINITIONS

STRIP = (
    "M081",
    "li_completion_ii",
    "li_completion_iii_4",
    "li_completion_iii_5",
    "li_completion_iii_6",
    "li_completion_iv",
)
COMPLETENESS = {
    "end code of discharges": ("referrals", "end_code", "ended_on"),
    "source of referral": ("referrals", "source", ""),
    "gender": ("referrals", "gender", ""),
    "ethnic category": ("referrals", "ethnicity", ""),
    "deprivation": ("referrals", "deprivation", ""),
    "age": ("referrals", "age", ""),
    "attendance of contacts": ("contacts", "attendance", ""),
    "type of contacts": ("contacts", "type", ""),
    "how seen contacts took place": ("contacts", "medium", "is_seen"),
}
MOST_BLANK = 0.20  # more and the breakdown is not available
ENDING_WORDS = DEFINITIONS / "ending_words.csv"
MISSING, CODED_UNKNOWN, UNKNOWN = "missing", "coded_unknown", "unknown"
POINTS = 0.10  # a share that moves by more opens the alarm
OUTCOME_POINTS = 0.20  # for the codes that are the outcome itself: completing and leaving early move them too
IN_A_ROW, BASELINE_MONTHS = 2, 12
FLOAT_ERROR = 1e-9
NOTE = re.compile(r"#{1,6}\s+(\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{4})\b(.*recording change.*)", re.IGNORECASE)
CHECKED, UNDECIDED = re.compile(r"\bchecked\b", re.IGNORECASE), re.compile(r"\bnot\b.*\bchecked\b", re.IGNORECASE)


# The tables: rows, repairs, blanks, definitions side by side.
def build_ledger(workings: Workings, book: CountBook) -> pd.DataFrame:
    """Rows in, used, merged and set aside by file, rounded to 5; files are named by what they hold."""
    ledger = workings.account.build_ledger()
    columns = {"rows_in": TOTAL, "used": 0, "merged": 0, "set_aside": 0}
    names = {column: [f"rows.{number}.{column}" for number in range(len(ledger))] for column in columns}
    shown = {column: book.show(names[column], ledger[column], order) for column, order in columns.items()}
    book.add_sums(names["rows_in"], [names["used"], names["merged"], names["set_aside"]])
    return pd.DataFrame({"table": workings.file_tables, **shown})


def build_quality(account: Account, book: CountBook) -> pd.DataFrame:
    """Each cleaning rule that was used, with the rounded number of rows it touched in all fields of a table."""
    quality = account.build_quality()
    by_table = ["rule", "table", "treatment", "says", "why"]
    total = quality.groupby(by_table, sort=False, as_index=False)["rows"].sum()
    return total.assign(rows=book.show("rows." + total["table"] + "." + total["rule"], total["rows"]))


def build_completeness(workings: Workings) -> pd.DataFrame:
    """The share of blanks in each field over the 12 months to the period, from rounded counts on at least 20.

    is_hidden: 1 to 7 are blank, or not blank. is_usable: not known to be blank in more than MOST_BLANK.
    """
    rows = []
    last = pd.Timestamp(workings.period.end)
    first = pd.Timestamp(workings.period.plus(1 - MONTHS).start)
    frames = {"referrals": workings.pathways.referrals, "contacts": workings.pathways.contacts}
    days = {"referrals": "received_on", "contacts": "contact_on"}
    for words, (table, field, only) in COMPLETENESS.items():
        frame = frames[table]
        by = only if only.endswith("_on") else days[table]
        chosen = frame[frame[by].between(first, last).to_numpy()]
        if only and not only.endswith("_on"):
            chosen = chosen[chosen[only].to_numpy()]
        blank = float(chosen[field].isna().sum()) if field in chosen else np.nan
        share = calculate_released_share(blank, len(chosen))
        is_hidden = bool(pd.isna(share) and field in frame)
        rows.append({"field": words, "blank_share": share, "is_recorded": field in frame, "is_hidden": is_hidden})
    return pd.DataFrame(rows).assign(is_usable=lambda t: t["is_recorded"] & ~(t["blank_share"] > MOST_BLANK))


def build_strip(workings: Workings, book: CountBook) -> pd.DataFrame:
    """The definitions side by side over the last 12 months by end month, counts rounded to 5, the choice marked."""
    first = pd.Timestamp(workings.period.plus(1 - MONTHS).start)
    results = workings.results
    chosen = results[results["clock"].isin(["end", "national"]) & (results["interval_start"] >= first)]
    total = chosen[chosen["measure_id"].isin(STRIP)].groupby("measure_id")[["numerator", "denominator"]].sum()
    total = total.reindex(list(STRIP))
    total = book.show_shares(*_name_strip(workings), total, TOTAL)
    share = (total["numerator"] / total["denominator"]).where(total["denominator"] >= SMALLEST_BASE)
    choice = f"li_completion_{workings.record.completion.team_choice}"
    names = {one.measure_id: one.name for one in read_definitions()}
    return total.assign(
        value=share,
        name=[names[key] for key in total.index],
        is_choice=[key == choice for key in total.index],
    ).reset_index()


def _name_strip(workings: Workings) -> tuple[list[str], list[str]]:
    """The names of the strip's numerators and denominators."""
    choice = workings.record.completion.team_choice
    tops = [FINISHED, *(name_completed(one.removeprefix("li_completion_"), choice) for one in STRIP[1:])]
    bottoms = [TREATED, *[ENDED_LI] * len(STRIP[1:])]
    return [name_year(one, workings.period) for one in tops], [name_year(one, workings.period) for one in bottoms]


def build_strip_pairs(workings: Workings, book: CountBook | None = None) -> pd.DataFrame:
    """How many people two definitions count differently: definition, other, people (rounded to 5), last 12 months.

    Over the LI episodes of the headline denominator that ended in those months; it is the same for every definition.
    Definition i is left out: nearly everyone meets it.
    """
    recent = build_ended(workings)
    names = [name for name in workings.record.completion.definitions if name != "i"]
    completed = {name: (recent[f"exit_{name}"] == "completed").to_numpy() for name in names}
    pairs = [(a, b, float((completed[a] != completed[b]).sum())) for a, b in combinations(names, 2)]
    table = pd.DataFrame(pairs, columns=["definition", "other", "people"])
    book, period = book or CountBook(), workings.period
    named = [f"pairs.{a}.{b}@12 to {period.id}" for a, b, _ in pairs]
    _add_kinds(book, workings, completed, named)
    ended = book.show([name_year(ENDED_LI, period)], pd.Series([float(len(recent))]), TOTAL)[0]
    return table.assign(people=book.show(named, table["people"]), ended=ended)


def _add_kinds(book: CountBook, workings: Workings, completed: Mapping[str, np.ndarray], named: Sequence[str]) -> None:
    """Everyone is of one kind: completed by these definitions and not by those. Totals and pairs are sums of kinds."""
    names, choice = list(completed), workings.record.completion.team_choice
    flags = np.array([completed[name] for name in names]).T.reshape(-1, len(names))
    kinds, people = np.unique(flags, axis=0, return_counts=True)
    count = pd.Series(people, dtype="float64")
    labels = [f"kind {''.join('ny'[int(one)] for one in kind)} {workings.period.id}" for kind in kinds]
    book.note(labels, count, count * np.nan, NOT_SHOWN)

    def add(whole: str, holds: np.ndarray) -> None:
        book.add_sums([whole], [[label] for label, held in zip(labels, holds, strict=True) if held])

    add(name_year(ENDED_LI, workings.period), np.ones(len(kinds), dtype=bool))
    for place, name in enumerate(names):
        add(name_year(name_completed(name, choice), workings.period), kinds[:, place])
    for (first, other), pair in zip(combinations(range(len(names)), 2), named, strict=True):
        add(pair, kinds[:, first] != kinds[:, other])


# Has the way endings are recorded changed?
@dataclass(frozen=True)
class RecordingAlarm:
    """Whether the alarm is open, since which month, what moved, and the reason for the verdict to stop.

    `what` and `sentence` are clauses: "endings not known rose from 4% to 20%", "the way endings are recorded changed in
    December 2022: ...". `watch`: sentences about endings that are the outcome itself and have moved by 10 to 20 points
    up to now; they stop nothing.
    """

    is_open: bool = False
    since: date | None = None
    what: str = ""
    sentence: str = ""
    watch: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Move:
    """A kind of ending that moved one way (1 up, -1 down) in each of so many months of the table, in a row."""

    kind: str
    way: int
    months: tuple[pd.Timestamp, ...]
    size: float

    @property
    def shown_on(self) -> date:
        """The last day of the month in which the alarm opened."""
        return period_of(self.months[IN_A_ROW - 1]).end


def build_recording_alarm(workings: Workings, checked_on: Collection[date] = ()) -> RecordingAlarm:
    """The alarm on LI episodes ended by the review's month; `checked_on` as `read_recording_checks` gives it."""
    completion = workings.record.completion
    outcome = (*completion.planned_end_codes, *completion.drop_out_end_codes, *completion.declined_end_codes)
    endings = build_endings(workings)
    return find_alarm(endings.assign(in_baseline=_mark_baseline(endings, workings)), outcome, checked_on)


def build_endings(workings: Workings) -> pd.DataFrame:
    """Endings by calendar month (rows) and kind (columns), and their `total`: exact counts, for the workshop.

    LI episodes with a known end that were not stepped up and did not end by death. Kinds: each end code, "missing",
    "invalid", "coded_unknown" (the codes for not known), and "unknown", which is these last three together.
    """
    referrals, completion = workings.pathways.referrals, workings.record.completion
    ended = referrals["is_li"] & referrals["li_end"].notna() & referrals["step_up_on"].isna()
    code = referrals["end_code"].astype("object")
    chosen = (ended & ~code.isin(completion.deceased_end_codes)).to_numpy()
    code, month = code[chosen], referrals.loc[chosen, "li_end"].dt.to_period("M").dt.start_time
    kind = code.where(~code.isin(completion.unknown_end_codes), CODED_UNKNOWN).where(code.notna(), MISSING)
    counts = pd.crosstab(month.to_numpy(), kind.to_numpy()).rename_axis(None, axis=1)
    if counts.empty:
        return pd.DataFrame({UNKNOWN: pd.Series(dtype=int), "total": pd.Series(dtype=int)})
    first = period_of(counts.index[0])
    counts = counts.reindex([pd.Timestamp(p.start) for p in build_periods(first, workings.period)], fill_value=0)
    unknown = counts.reindex(columns=[MISSING, INVALID, CODED_UNKNOWN], fill_value=0).sum(axis=1)
    return counts.assign(total=counts.sum(axis=1), **{UNKNOWN: unknown})


def _mark_baseline(endings: pd.DataFrame, workings: Workings) -> pd.Series:
    """The months of the record's baseline, else the first 12 with enough people for a point; none when fewer."""
    dates, gaps = workings.record.aim.baseline, list(workings.record.accepted_gaps)
    if dates:
        return pd.Series(
            (endings.index >= pd.Timestamp(dates[0])) & (endings.index <= pd.Timestamp(dates[1])), endings.index
        )
    known = ~np.isin([Period(day.year, day.month).id for day in endings.index], gaps)
    enough = (endings["total"] >= max(1, workings.record.settings.min_denominator)) & known
    return enough & (enough.cumsum() <= BASELINE_MONTHS) & (enough.sum() >= BASELINE_MONTHS)


def find_alarm(
    endings: pd.DataFrame, outcome_codes: Collection[str], checked_on: Collection[date] = ()
) -> RecordingAlarm:
    """The alarm of a table of endings by month (see `build_endings`) with `in_baseline`.

    A share must differ from that of the whole baseline by more than 10 points, 20 for the codes of the outcome, in
    the same direction in two months in a row after the baseline. Months with under 20 endings are passed over. The
    alarm stays open, also when the shares come back, until a check dated at or after the end of the second month.
    Of several changes the earliest is told, and of those the largest; of two alike the more exact. No baseline of 20 endings: no alarm.
    """
    baseline = endings[endings["in_baseline"]]
    if baseline["total"].sum() < SMALLEST_BASE:
        return RecordingAlarm()
    later = endings[(endings.index > baseline.index[-1]) & (endings["total"] >= SMALLEST_BASE)]
    kinds = [name for name in endings.columns if name not in ("total", "in_baseline")]
    usual = baseline[kinds].sum() / baseline["total"].sum()
    moved = later[kinds].div(later["total"], axis=0) - usual
    is_outcome = pd.Series([kind in outcome_codes for kind in kinds], kinds)
    found = _find_moves(moved, is_outcome.map({True: OUTCOME_POINTS, False: POINTS}))
    still = [move for move in found if not any(day >= move.shown_on for day in checked_on)]
    watch = _find_moves(moved.loc[:, is_outcome], pd.Series(POINTS, kinds)[is_outcome])
    kept = [m for m in watch if m.months[-1] == moved.index[-1] and m.kind not in {o.kind for o in still}]
    sentences = tuple(_describe_watch(_describe_move(move, baseline, later)) for move in kept)
    if not still:
        return RecordingAlarm(watch=sentences)
    first = min(still, key=lambda move: (move.months[0], -round(move.size, 9), move.kind == UNKNOWN, move.kind))
    what, since = _describe_move(first, baseline, later), first.months[0].date()
    sentence = f"the way endings are recorded changed in {describe_month(since)}: {what}"
    return RecordingAlarm(True, since, what, sentence, sentences)


def _find_moves(moved: pd.DataFrame, limits: pd.Series) -> list[_Move]:
    """Every stretch of at least 2 rows in which one kind lies beyond its limit on one side."""
    ways = np.sign(moved).where(moved.abs() > limits + FLOAT_ERROR, 0)
    stretches = (ways != ways.shift()).cumsum()
    found = []
    for kind in moved:
        for _, way in ways[kind].groupby(stretches[kind]):
            if way.iloc[0] and len(way) >= IN_A_ROW:
                size = float(moved.loc[way.index[:IN_A_ROW], kind].abs().mean())
                found.append(_Move(str(kind), int(way.iloc[0]), tuple(way.index), size))
    return found


def _describe_move(move: _Move, baseline: pd.DataFrame, later: pd.DataFrame) -> str:
    """What moved, with the shares of the baseline and of the two months that opened the alarm, where both are safe."""
    before = _describe_share(baseline, move.kind)
    after = _describe_share(later.loc[list(move.months[:IN_A_ROW])], move.kind)
    words = {row["kind"]: row["words"] for row in read_rows(ENDING_WORDS)}
    verb = f"{words.get(move.kind, 'endings of one kind')} {'rose' if move.way > 0 else 'fell'}"
    shares = (f" from {before}" if before else "") + (f" to {after}" if after else "")
    return verb + (shares or " by more than 10 points")


def _describe_share(months: pd.DataFrame, kind: str) -> str:
    """The share of a kind in some months as whole per cent of rounded counts; "" where a count is 1 to 7."""
    part, total = months[kind].sum(), months["total"].sum()
    counts = pd.Series([part, total], dtype="float64")
    if is_small(pd.Series([part, total - part])).any():
        return ""
    part, total = round_count(counts)
    return describe_value(part / total)


def _describe_watch(what: str) -> str:
    cause = "This can be a change in how many people complete, or in how endings are recorded."
    return f"{upper_first(what)}. {cause} Check with those who record them."


def read_recording_checks(folder: Path) -> Sequence[date]:
    """The days on which the team has checked a change of recording: headings of decisions.md in the record's folder.

    A heading counts when it begins with a date that exists (2023-02-14 or 14/02/2023) and holds the words "recording
    change" and "checked" without "not" before it. Fenced blocks are examples and do not count. Without the file: none.
    """
    path = folder / "decisions.md"
    text = read_text(path, path.name, Faults()) if path.exists() else ""
    text = re.sub(r"^ *(```|~~~).*?^ *\1", "", text or "", flags=re.S | re.M)
    notes = [found for line in text.splitlines() if (found := NOTE.match(line.strip()))]
    said = [note for note in notes if CHECKED.search(note[2]) and not UNDECIDED.search(note[2])]
    return tuple(sorted({day for note in said if (day := read_day(note[1]))}))

"""Can we trust these numbers? The tables of page 13, protected: rows, repairs, blanks, definitions side by side."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from qi_analysis.account import Account
from qi_analysis.cells import NOT_SHOWN, TOTAL, Cells
from qi_analysis.disclosure import SMALLEST_BASE, calculate_released_share
from qi_analysis.episode_flags import ENDED
from qi_analysis.measure_definitions import read_definitions
from qi_analysis.result_cells import ENDED_LI, FINISHED, TREATED, name_completed, name_year
from qi_analysis.workings import Workings

STRIP = (
    "M081",
    "li_completion_ii",
    "li_completion_iii_4",
    "li_completion_iii_5",
    "li_completion_iii_6",
    "li_completion_iv",
)
STRIP_MONTHS = 12
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


def build_ledger(workings: Workings, cells: Cells) -> pd.DataFrame:
    """Rows in, used, merged and set aside by file, rounded to 5; files are named by what they hold."""
    ledger = workings.account.build_ledger()
    columns = {"rows_in": TOTAL, "used": 0, "merged": 0, "set_aside": 0}
    names = {column: [f"rows.{number}.{column}" for number in range(len(ledger))] for column in columns}
    shown = {column: cells.show(names[column], ledger[column], order) for column, order in columns.items()}
    cells.add_sums(names["rows_in"], [names["used"], names["merged"], names["set_aside"]])
    return pd.DataFrame({"table": workings.file_tables, **shown})


def build_quality(account: Account, cells: Cells) -> pd.DataFrame:
    """Each cleaning rule that was used, with the rounded number of rows it touched in all fields of a table."""
    quality = account.build_quality()
    by_table = ["rule", "table", "treatment", "says", "why"]
    total = quality.groupby(by_table, sort=False, as_index=False)["rows"].sum()
    return total.assign(rows=cells.show("rows." + total["table"] + "." + total["rule"], total["rows"]))


def build_completeness(workings: Workings) -> pd.DataFrame:
    """The share of blanks in each field over the 12 months to the period, from rounded counts on at least 20.

    is_hidden: 1 to 7 are blank, or not blank. is_usable: not known to be blank in more than MOST_BLANK.
    """
    rows = []
    last = pd.Timestamp(workings.period.end)
    first = pd.Timestamp(workings.period.plus(1 - STRIP_MONTHS).start)
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


def build_strip(workings: Workings, cells: Cells) -> pd.DataFrame:
    """The definitions side by side over the last 12 months by end month, counts rounded to 5, the choice marked."""
    first = pd.Timestamp(workings.period.plus(1 - STRIP_MONTHS).start)
    results = workings.results
    chosen = results[results["clock"].isin(["end", "national"]) & (results["interval_start"] >= first)]
    total = chosen[chosen["measure_id"].isin(STRIP)].groupby("measure_id")[["numerator", "denominator"]].sum()
    total = total.reindex(list(STRIP))
    total = cells.show_shares(*_name_strip(workings), total, TOTAL)
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


def build_strip_pairs(workings: Workings, cells: Cells | None = None) -> pd.DataFrame:
    """How many people two definitions count differently: definition, other, people (rounded to 5), last 12 months.

    Over the LI episodes of the headline denominator that ended in those months; it is the same for every definition.
    Definition i is left out: nearly everyone meets it.
    """
    referrals, record = workings.pathways.referrals, workings.record
    first, last = workings.period.plus(1 - STRIP_MONTHS).start, workings.period.end
    ended = referrals[f"exit_{record.completion.team_choice}"].isin(ENDED)
    recent = referrals[(ended & referrals["li_end"].between(pd.Timestamp(first), pd.Timestamp(last))).to_numpy()]
    names = [name for name in record.completion.definitions if name != "i"]
    completed = {name: (recent[f"exit_{name}"] == "completed").to_numpy() for name in names}
    pairs = [(a, b, float((completed[a] != completed[b]).sum())) for a, b in combinations(names, 2)]
    table = pd.DataFrame(pairs, columns=["definition", "other", "people"])
    cells, period = cells or Cells(), workings.period
    named = [f"pairs.{a}.{b}@12 to {period.id}" for a, b, _ in pairs]
    _add_kinds(cells, workings, completed, named)
    ended = cells.show([name_year(ENDED_LI, period)], pd.Series([float(len(recent))]), TOTAL)[0]
    return table.assign(people=cells.show(named, table["people"]), ended=ended)


def _add_kinds(cells: Cells, workings: Workings, completed: Mapping[str, np.ndarray], named: Sequence[str]) -> None:
    """Everyone is of one kind: completed by these definitions and not by those. Totals and pairs are sums of kinds."""
    names, choice = list(completed), workings.record.completion.team_choice
    flags = np.array([completed[name] for name in names]).T.reshape(-1, len(names))
    kinds, people = np.unique(flags, axis=0, return_counts=True)
    count = pd.Series(people, dtype="float64")
    labels = [f"kind {''.join('ny'[int(one)] for one in kind)} {workings.period.id}" for kind in kinds]
    cells.note(labels, count, count * np.nan, NOT_SHOWN)

    def add(whole: str, holds: np.ndarray) -> None:
        cells.add_sums([whole], [[label] for label, held in zip(labels, holds, strict=True) if held])

    add(name_year(ENDED_LI, workings.period), np.ones(len(kinds), dtype=bool))
    for place, name in enumerate(names):
        add(name_year(name_completed(name, choice), workings.period), kinds[:, place])
    for (first, other), pair in zip(combinations(range(len(names)), 2), named, strict=True):
        add(pair, kinds[:, first] != kinds[:, other])

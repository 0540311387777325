"""Nothing small can be worked out: the attack held to plain enumeration, and releases attacked by a second program.

The reader of these tests knows each shown count to within its rounding (8 to 12 for 10), takes a mark for any number,
and knows which counts add up to which.
"""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service import copy_project

from qi_analysis.answers.build import build_counted, build_released_results, find_moved
from qi_analysis.answers.measure_charts import find_statistics
from qi_analysis.disclosure.counts import INNER, MOST, NOT_SHOWN, TOTAL, CountBook, is_small
from qi_analysis.disclosure.ledger import read_ledger, write_ledger
from qi_analysis.disclosure.protection import Seen, count_exposed, find_hidden
from qi_analysis.disclosure.result_counts import COMPLETED_LI, ENDED_LI, SUMS, find_hidden_years
from qi_analysis.errors import DataProblem
from qi_analysis.periods import Period
from qi_analysis.run.provenance import build_settings_digests, digest_inputs
from qi_analysis.run.review import build_workings, prepare

NOTHING = pd.DataFrame({"name": [], "true": [], "row": [], "factor": [], "most": [], "is_wide": []})  # no sums
LARGEST = 60  # of the counts that the enumeration tries


def read_span(shown: float) -> range:
    """Every count that is shown as this: a mark is any number."""
    if np.isnan(shown):
        return range(LARGEST + 1)
    return range(1) if shown == 0 else range(max(int(shown) - 2, 8), int(shown) + 3)


def list_possible(shown: list[float], total: float) -> list[set[int]]:
    """For each part every value it has in some way to reach a total, tried one by one."""
    spans, wanted = [read_span(one) for one in shown], set(read_span(total))
    possible: list[set[int]] = [set() for _ in shown]
    for values in itertools.product(*spans):
        if sum(values) in wanted:
            for found, value in zip(possible, values, strict=True):
                found.add(value)
    return possible


counts = st.integers(0, 25)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
def protect_table(counts: pd.DataFrame) -> pd.DataFrame:
    """A table of counts with its totals, as it may be shown: missing where hidden.

    counts: whole numbers, one way (one column) or two ways. Rounded to 5, 1 to 7 hidden, totals from the true totals,
    and as much more hidden as needed. The last row, and with several columns the last column, is "total".
    """
    table = pd.concat([counts, counts.sum().to_frame("total").T])
    if len(counts.columns) > 1:
        table["total"] = table.sum(axis=1)
    book = CountBook()
    _show_table(table, book)
    return _show_table(table, CountBook(find_hidden(book)))


def _show_table(table: pd.DataFrame, book: CountBook) -> pd.DataFrame:
    parts = [name for name in table if name != "total"]
    names = {name: pd.Series([f"{row}|{name}" for row in table.index], table.index) for name in table}
    for named in names.values():
        book.add_sums(named.tail(1), [[one] for one in named.iloc[:-1]])
    if "total" in names:
        book.add_sums(names["total"], [names[name] for name in parts])
    order = np.where(table.index == "total", TOTAL, INNER)
    return pd.DataFrame(
        {name: book.show(names[name], table[name], order if name in parts else TOTAL) for name in table}
    )


@given(st.lists(counts, min_size=2, max_size=3))
def test_in_a_list_with_its_total_every_small_count_keeps_three_values(parts):
    shown = protect_table(pd.DataFrame({"people": parts}))["people"]
    possible = list_possible(shown.tolist()[:-1], shown["total"])
    for true, values in zip(parts, possible, strict=True):
        assert true in values
        if 1 <= true <= 7:
            assert len([value for value in values if 1 <= value <= 7]) >= 3


def list_possible_in_table(shown: pd.DataFrame) -> dict[tuple[int, int], set[int]]:
    """For a table of two by two with totals: every value of each inner count, by trying all."""
    inner = [[read_span(shown.iloc[row, column]) for column in range(2)] for row in range(2)]
    rows = [set(read_span(shown.iloc[row, 2])) for row in range(2)]
    columns = [set(read_span(shown.iloc[2, column])) for column in range(2)]
    everyone = set(read_span(shown.iloc[2, 2]))
    possible: dict[tuple[int, int], set[int]] = {place: set() for place in itertools.product(range(2), range(2))}
    a, b, c, d = (np.array(list(inner[row][column])) for row in range(2) for column in range(2))
    grid = np.array(np.meshgrid(a, b, c, d, indexing="ij")).reshape(4, -1)
    sums = [(grid[0] + grid[1], rows[0]), (grid[2] + grid[3], rows[1]), (grid[0] + grid[2], columns[0])]
    sums += [(grid[1] + grid[3], columns[1]), (grid.sum(axis=0), everyone)]
    fits = np.logical_and.reduce([np.isin(total, list(span)) for total, span in sums])
    for number, place in enumerate(possible):
        possible[place] = set(grid[number][fits].tolist())
    return possible


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 14), min_size=4, max_size=4))
def test_in_a_two_way_table_every_small_count_keeps_three_values(book):
    table = pd.DataFrame(np.array(book).reshape(2, 2), ["a", "b"], ["x", "y"])
    possible = list_possible_in_table(protect_table(table).clip(upper=LARGEST - 2))
    for (row, column), values in possible.items():
        true = int(table.iloc[row, column])
        assert true in values
        if 1 <= true <= 7:
            assert len([value for value in values if 1 <= value <= 7]) >= 3


@pytest.mark.parametrize(
    ("parts", "total", "is_exposed"),
    [
        ([88, 2], 90, True),  # 90 exactly less 88 to 92: 2 or less
        ([90, 2], 92, False),  # 92 exactly less 88 to 92: 0 to 4, so 1 to 4
        ([88, 7], 95, False),
        ([92, 7], 99, True),  # 99 exactly less 88 to 92: 7 or more
        ([7, 7], 14, True),  # both hidden: who knows the rule knows that both are 7
        ([4, 4], 8, False),
    ],
)
def test_one_total_that_is_shown_exactly(parts, total, is_exposed):
    book = CountBook()
    book.show(["first", "second"], pd.Series(parts, dtype="float64"))
    whole = pd.Series([float(total)])
    book.note(["total"], whole, whole, exact=True)
    book.add_sums(["total"], [["first"], ["second"]])
    assert bool(count_exposed(book)) == is_exposed
    assert bool(find_hidden(book)) == is_exposed


def test_a_complement_that_stands_in_no_table_counts_as_well():
    book, whole, part = CountBook(), pd.Series([100.0]), pd.Series([98.0])
    book.note(["whole"], whole, whole, exact=True)
    book.note(["part"], part, part, exact=True)
    book.note(["rest"], whole - part, part * np.nan, NOT_SHOWN)
    book.add_sums(["whole"], [["part"], ["rest"]])
    assert count_exposed(book) == 1
    assert find_hidden(book) == {"part"}  # the first in the alphabet, whatever the numbers


def test_the_same_people_under_two_names_are_one_count():
    book, ten = CountBook(), pd.Series([3.0])
    book.show(["women"], ten)
    book.note(["total"], pd.Series([93.0]), pd.Series([93.0]), exact=True)
    book.show(["men"], pd.Series([90.0]))
    book.show(["everyone but women"], pd.Series([90.0]))
    book.add_sums(["men"], [["everyone but women"]])
    book.add_sums(["total"], [["women"], ["everyone but women"]])
    assert count_exposed(book) == 0
    book.note(["everyone but women"], pd.Series([90.0]), pd.Series([90.0]), exact=True)
    assert count_exposed(book) == 1
    assert find_hidden(book) == {"men", "everyone but women"}


def test_what_readers_have_seen_cannot_be_hidden_any_more():
    book = CountBook()
    book.show(["few", "many"], pd.Series([2.0, 88.0]))
    book.note(["total"], pd.Series([90.0]), pd.Series([90.0]), exact=True)
    book.add_sums(["total"], [["few"], ["many"]])
    assert find_hidden(book) == {"many"}
    earlier = pd.DataFrame({"name": ["many"], "true": [88.0], "low": [88.0], "high": [92.0], "is_marked": [True]})
    assert find_hidden(book, Seen(earlier, NOTHING)) == {"many", "total"}
    assert find_hidden(book, Seen(earlier.assign(true=85.0), NOTHING)) == {"many"}  # it was another count then


BOTH = {"every", "start@2022-01"}  # one count under two names


def draw_clocks(ended, began, hidden=frozenset()):
    """A release that says exactly how many ended in each month, and about how many of those who began in each have ended."""
    book = CountBook(hidden)
    for clock, counts in (("end", ended), ("start", began)):
        true = pd.Series(counts, [f"{clock}@2022-{at + 1:02}" for at in range(len(counts))], dtype="float64")
        if clock == "end":
            book.note(true.index, true, true.mask(is_small(true) | true.index.isin(hidden)), exact=True)
        else:
            book.show(true.index, true)
        book.add_sums(["every"], [[month] for month in true.index], is_wide=True)
    total = pd.Series([float(sum(ended))])
    book.note(["every"], total, total * np.nan, NOT_SHOWN)
    return book


@pytest.mark.parametrize(
    ("before", "now", "hidden"),
    [
        (([4, 88], [92]), ([4, 88, 11], [103]), BOTH),  # then: 90 less 88, so 4 at most; now: 4 at least
        (([4, 88], [92]), ([4, 88, 11], [92, 11]), set()),  # the same people are counted for January
        (([4, 88], [92]), ([4, 88, 11], [101, 2]), set()),
        (([4, 41, 47], [92]), ([4, 41, 47, 11], [103]), BOTH),
    ],
)
def test_what_an_earlier_release_said_is_still_true(before, now, hidden, tmp_path):
    """Each release is safe by itself; the sums over all months of both days, taken together, are not."""
    first, second = draw_clocks(*before), draw_clocks(*now)
    write_ledger(tmp_path, "2022-02", first)
    seen = read_ledger(tmp_path, "2022-03")
    assert count_exposed(first) == count_exposed(second) == 0
    assert (count_exposed(second, seen) > 0) == bool(hidden)
    assert find_hidden(second, seen) == hidden
    assert count_exposed(draw_clocks(*now, frozenset(hidden)), seen) == 0


def draw_november(short: str, stepped_up: int) -> CountBook:
    """A month of endings: 72 ended and 44 of them completed, both exact. short: a count whose true number is 0, or its mark."""
    names = [f"episodes.{word}@2021-11" for word in ("short", "stepped_up", "planned", "all", "completed", "ended")]
    book = CountBook(frozenset(names[:1] if short == "hidden" else ()))
    book.show(
        names[:4], pd.Series([0.0, stepped_up, 44 + stepped_up, 72 + stepped_up]), np.array([INNER] * 2 + [TOTAL] * 2)
    )
    book.note(names[4:], pd.Series([44.0, 72.0]), pd.Series([44.0, 72.0]), exact=True)
    book.add_sums(names[2:3], [names[4:5], names[:1], names[1:2]])
    book.add_sums(names[3:4], [names[5:], names[1:2]])
    return book


def test_what_a_month_was_made_of_in_the_last_review_is_still_true(tmp_path):
    """5 were stepped up: at most 77 - 72, and 48 - 44 - short at least. A later short of 0 gives the 5 away, and so do 8 of 52."""
    write_ledger(tmp_path, "2021-11", draw_november("hidden", 5))
    seen = read_ledger(tmp_path, "2021-12")
    assert count_exposed(draw_november("hidden", 5)) == count_exposed(draw_november("0", 8)) == 0
    assert count_exposed(draw_november("0", 8), seen) == 1
    assert find_hidden(draw_november("0", 8), seen) == {"episodes.short@2021-11", "episodes.stepped_up@2021-11"}
    for later in ("2021-12", "2022-01", "2022-02"):
        write_ledger(tmp_path, later, draw_november("hidden", 8))
    assert count_exposed(draw_november("0", 8), read_ledger(tmp_path, "2022-03")) == 0  # too old to be attacked


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(counts, min_size=6, max_size=6))
def test_the_choice_of_what_is_hidden_does_not_depend_on_the_order_of_rows(parts):
    table = pd.DataFrame({"people": parts}, list("abcdef"))
    there, back = protect_table(table)["people"], protect_table(table[::-1])["people"]
    pd.testing.assert_series_equal(there, back[there.index])


def test_a_count_has_the_bounds_of_every_way_it_is_shown():
    book = CountBook()
    book.show(["a"], pd.Series([12.0]))
    assert book.build()[["low", "high"]].to_numpy().tolist() == [[8, 12]]
    book.note(["a"], pd.Series([12.0]), pd.Series([12.0]), exact=True)
    assert book.build()[["low", "high"]].to_numpy().tolist() == [[12, 12]]
    hidden = CountBook(frozenset({"a"}))
    assert np.isnan(hidden.show(["a"], pd.Series([12.0])).iloc[0])
    assert hidden.build()[["low", "high"]].to_numpy().tolist() == [[0, MOST]]


@pytest.fixture(scope="module")
def workings(tmp_path_factory, small_extract):
    """July 2021 of the short extract: a service with months too small to be shown."""
    places = copy_project(tmp_path_factory.mktemp("service"))
    prepared = prepare(places, small_extract, digest_inputs(small_extract), build_settings_digests(places))
    return build_workings(prepared, Period(2021, 7))


@pytest.mark.slow
def test_every_sum_of_the_list_holds(workings):
    book = CountBook()
    build_released_results(workings, book)
    true = book.build().set_index("name")["true"]
    broken = []
    for one in book.sums:
        rest = sum(true.reindex(whole).to_numpy() for whole in one.wholes)
        rest = rest - sum(true.reindex(part).fillna(0).to_numpy() for part in one.parts)
        broken += [(one.wholes[0][0], one.parts[0][0])] if (rest[~np.isnan(rest)] < 0).any() else []
    assert broken == []


@pytest.mark.slow
def test_some_names_of_the_list_are_counted_in_every_line(workings):
    book = CountBook()
    build_released_results(workings, book)
    bases = {name.split("@")[0] for name in book.build()["name"]}
    lines = pd.read_csv(SUMS)
    for line in lines.itertuples():
        for whole in line.wholes.split():
            assert any(base.startswith(f"{line.table}.") and base.endswith(f".{whole}") for base in bases), line


@pytest.mark.slow
def test_a_release_is_attacked_and_hides_more_where_it_must(workings):
    plain = CountBook()
    build_released_results(workings, plain)
    assert count_exposed(plain) > 0
    counted = build_counted(workings)
    assert count_exposed(counted.book) == 0
    assert counted.released["is_hidden"].mean() - build_released_results(workings)["is_hidden"].mean() < 0.05


@pytest.mark.slow
def test_a_value_goes_with_the_counts_it_comes_from(workings):
    released = build_counted(workings).released
    is_share = released["denominator"].notna() | released["numerator"].notna()
    half = released["numerator"].isna() != released["denominator"].isna()
    statistic = released["measure_id"].map(find_statistics(workings.record))
    gone = released[half & is_share & statistic.isin(["share", "percent"])]
    assert gone["value"].isna().all() and gone["is_hidden"].all()


def draw_months(ended, completed, hidden=()):
    """Counts of months from January 2021 on as a release holds them: exact, or hidden in these months."""
    book = CountBook()
    for base, counts in ((ENDED_LI, ended), (COMPLETED_LI, completed)):
        names = [f"{base}@{Period(2021, 1).plus(number).id}" for number in range(len(counts))]
        true = pd.Series(counts, dtype="float64")
        book.note(names, true, true.mask(true.index.isin(hidden)), exact=True)
    return book.build()


def test_a_total_of_12_months_is_shown_where_every_month_is():
    counts = draw_months([40] * 24, [20] * 24)
    assert find_hidden_years(counts, Period(2022, 12)) == frozenset()


def list_fitting(counts, hidden, shown):
    """The values of a hidden month that fit the rounded totals of the 12 months to each of these, tried one by one."""
    totals = [sum(counts[last - 11 : last + 1]) for last in shown]
    return [
        value
        for value in range(1, 8)
        if all((total + 2) // 5 == (total - counts[hidden] + value + 2) // 5 for total in totals)
    ]


@pytest.mark.slow
def test_totals_that_would_narrow_a_hidden_month_down_are_hidden():
    """Every month is shown but June 2021; each total that moves on is rounded another way, so the month narrows down."""
    ended = [41, 43, 40, 44, 42, 5, 41, 42, 43, 40, 44, 41, 42, 43, 41, 40, 44]
    completed = [20, 21, 22, 19, 23, 2] + [20] * 11
    counts, last = draw_months(ended, completed, hidden=[5]), range(11, 17)
    shown = [at for at in last if not find_hidden_years(counts, Period(2021, 1).plus(at))]
    for series in (ended, completed):
        assert len(list_fitting(series, 5, shown)) >= 3
    assert len(list_fitting(ended, 5, last)) < 3 or len(list_fitting(completed, 5, last)) < 3


def test_the_ledger_keeps_what_was_shown_and_only_that(tmp_path):
    book, folder = CountBook(), tmp_path / "ledger"
    book.show(["a@2022-01", "b@2022-01", "local"], pd.Series([12.0, 3.0, 40.0]))
    write_ledger(folder, "2022-01", book)
    write_ledger(folder, "2022-01", book)
    shown = [["a@2022-01", 12.0, 8.0, 12.0], ["local", 40.0, 38.0, 42.0]]
    known = read_ledger(folder, "2022-01").counts
    assert known[["name", "true", "low", "high"]].to_numpy().tolist() == shown
    assert read_ledger(folder, "2022-02").counts["name"].tolist() == ["a@2022-01", "local@review 2022-01"]
    assert read_ledger(tmp_path / "nowhere", "2022-01").counts.empty


def test_without_the_ledger_nobody_knows_what_readers_know(tmp_path):
    (tmp_path / "2022-02.parquet").write_bytes(b"not a table")
    with pytest.raises(DataProblem, match="2022-02.parquet cannot be read"):
        read_ledger(tmp_path, "2022-03")


def test_an_exact_total_that_has_moved_is_rounded_from_then_on(workings):
    book = CountBook()
    before = build_released_results(workings, book)
    counts = book.build()
    at = (before["measure_id"] == "M001") & (before["interval_start"] == "2021-06-01")
    exact = counts[counts["name"] == "referrals.received_on.all@2021-06"]
    assert exact["low"].item() == exact["high"].item() == before.loc[at, "value"].item()
    assert find_moved(counts, counts) == frozenset()
    moved = find_moved(counts, counts.assign(true=counts["true"] + 1))
    assert "referrals.received_on.all@2021-06" in moved
    again = build_released_results(workings, CountBook(moved=moved))
    assert again.loc[at, "value"].item() % 5 == 0


def test_totals_by_the_month_li_began_are_rounded(workings):
    released = build_released_results(workings)
    began = released[(released["clock"] == "start") & released["numerator"].notna()]
    assert (began[["numerator", "denominator"]].fillna(0) % 5 == 0).all(axis=None)

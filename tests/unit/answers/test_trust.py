"""Page 13: how many people two definitions of "completed" count differently, drawn and answered by hand."""

import pandas as pd
from drawn import build_workings, draw_rows

from qi_analysis.answers.trust import build_strip_pairs

# Ended in 2022. Definition ii asks for code 46 and 2 sessions, iii-4 for 4 sessions, iii-6 for 6, iv for ii or iii-6.
EPISODES = """
    people | start      | end        | sessions | code
    20     | 2022-01-10 | 2022-06-10 | 7        | 46
    30     | 2022-01-10 | 2022-06-10 | 3        | 46
    10     | 2022-01-10 | 2022-06-10 | 5        | 47
    15     | 2022-01-10 | 2022-06-10 | 6        | 47
    40     | 2022-01-10 | -          | 6        | -
    25     | 2020-01-10 | 2020-06-10 | 3        | 46
"""


def count_pairs(text: str) -> dict[tuple[str, str], float]:
    table = build_strip_pairs(build_workings(draw_rows(text)))
    return {(row.definition, row.other): row.people for row in table.itertuples()}


def test_people_counted_differently_by_each_pair():
    pairs = count_pairs(EPISODES)
    assert pairs["ii", "iii_4"] == 30 + 10 + 15  # 3 sessions and 46; 5 and 6 sessions and 47
    assert pairs["ii", "iii_6"] == 30 + 15
    assert pairs["ii", "iv"] == 15
    assert pairs["iii_4", "iii_5"] == 0
    assert pairs["iii_5", "iii_6"] == 10
    assert len(pairs) == 10


def test_open_people_and_other_years_are_outside():
    table = build_strip_pairs(build_workings(draw_rows(EPISODES)))
    assert set(table["ended"]) == {20 + 30 + 10 + 15}


def test_small_differences_are_hidden():
    few = EPISODES.replace("10     | 2022-01-10", "3      | 2022-01-10")
    assert pd.isna(count_pairs(few)["iii_5", "iii_6"])

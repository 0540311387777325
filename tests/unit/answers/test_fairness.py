"""Is it fair: groups as drawn, published worked examples of the statistics, what is released and what is said."""

from dataclasses import replace
from math import erfc, sqrt

import numpy as np
import pandas as pd
import pytest
from drawn import build_workings, draw_rows, find_small
from drawn_facts import draw_facts

from qi_analysis.answers.fairness import CHARACTERISTICS, TOGETHER, build_characteristics, build_fairness
from qi_analysis.phrases import HIDDEN
from qi_analysis.release import Release, read_release, write_release
from qi_analysis.report.measures import TOO_FEW, show_fairness
from qi_analysis.spc.statistics import (
    calculate_chance,
    calculate_difference,
    calculate_holm,
    calculate_widest,
    calculate_wilson,
)

# --- Statistics: published examples -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("top", "n", "lower", "upper"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_of_newcombe_1998(top, n, lower, upper):
    found = calculate_wilson(np.array([top]), np.array([n]))
    assert [float(one[0]) for one in found] == pytest.approx([lower, upper], abs=5e-5)


def test_a_share_that_is_missing_has_no_interval():
    lower, upper = calculate_wilson(np.array([np.nan, 0, 3]), np.array([20, 0, np.nan]))
    assert np.isnan(lower).all() and np.isnan(upper).all()


def test_the_difference_of_newcombe_1998():
    assert calculate_difference((56, 70), (48, 80)) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_widest_difference_allows_for_every_pair():
    three = np.array([50, 60, 75]), np.array([100, 100, 100])
    high, low, gap, lower, upper = calculate_widest(*three)
    assert (high, low) == (2, 0) and gap == pytest.approx(0.25)
    _, alone_lower, alone_upper = calculate_difference((75, 100), (50, 100))
    assert lower < alone_lower and upper > alone_upper
    assert calculate_widest(*(part[[0, 2]] for part in three))[3:] == pytest.approx((alone_lower, alone_upper))
    assert calculate_widest(np.array([5, 5]), np.array([10, 10]))[:3] == (0, 1, 0)
    with pytest.raises(ValueError):
        calculate_widest(np.array([5]), np.array([10]))


def test_holm_by_hand():
    assert calculate_holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert calculate_holm(np.array([0.6, 0.5])).tolist() == [1, 1] and len(calculate_holm(np.array([]))) == 0


@pytest.mark.parametrize("second", [500, 470, 455, 440])
def test_the_permutation_test_agrees_with_chi_square_where_groups_are_large(second):
    top, n = np.array([500, second]), np.array([1000, 1000])
    share = top.sum() / n.sum()
    chi_square = float(((top - n * share) ** 2 / (n * share * (1 - share))).sum())
    assert calculate_chance(top, n) == pytest.approx(erfc(sqrt(chi_square / 2)), abs=0.02)


def test_small_tables_are_exact_in_the_long_run():
    assert calculate_chance(np.array([3, 0]), np.array([3, 3])) == pytest.approx(0.1, abs=0.015)  # 2 of 20 ways
    assert calculate_chance(np.array([3, 3]), np.array([3, 3])) == 1


def test_chance_alone_is_seldom_called_a_difference():
    rng = np.random.default_rng(11)
    n = np.array([240, 860, 50, 40])
    called = [calculate_chance(rng.binomial(n, 0.5), n) < 0.05 for _ in range(150)]
    assert np.mean(called) <= 0.10


# --- Groups -----------------------------------------------------------------------------------------

PEOPLE = """
    start      | age | gender  | ethnicity | deprivation | source  | medium  | medium_v20 | interpreter
    2022-01-10 | 17  | 1       | A         | 1           | B1      | 01      | -          | 1
    2022-01-10 | 18  | 2       | B         | 2           | A1      | 02      | -          | 2
    2022-01-10 | 25  | 9       | D         | 3           | A3      | 11      | -          | 3
    2022-01-10 | 26  | X       | H         | 6           | B2      | 10      | -          | 4
    2022-01-10 | 64  | -       | M         | 8           | -       | -       | 03         | 5
    2022-01-10 | 65  | invalid | R         | 9           | invalid | invalid | -          | X
    2022-01-10 | 74  | 1       | Z         | 10          | N1      | 98      | -          | -
    2022-01-10 | 75  | 1       | 99        | -           | P1      | -       | -          | 4
"""
GROUPS = {
    "age": ["under 18", "aged 18 to 25", "aged 18 to 25", "aged 26 to 64", "aged 26 to 64", "aged 65 to 74", "aged 65 to 74", "aged 75 and over"],
    "gender": ["men", "women", "another gender", None, None, None, "men", "men"],
    "ethnicity": ["White British", "White, other", "Mixed", "Asian", "Black", "another ethnic group", None, None],
    "deprivation": ["fifth 1, most deprived", "fifth 1, most deprived", "fifth 2", "fifth 3", "fifth 4", "fifth 5, least deprived", "fifth 5, least deprived", None],
    "source": ["self", "GP", "another source", "another source", None, None, "another source", "another source"],
    "delivery": ["in person", "phone", "video", "another way, such as text", "video", None, "another way, such as text", None],
    "interpreter": ["needed", "needed", "needed", "not needed", "needed", None, None, "not needed"],
}  # fmt: skip


def test_each_code_falls_into_its_group_and_nothing_is_guessed():
    workings = build_workings(draw_rows(PEOPLE))
    groups = build_characteristics(workings, workings.pathways.referrals)
    found = {name: [None if pd.isna(one) else one for one in column] for name, column in groups.items()}
    assert found == GROUPS


def group_delivery(workings, contacts):
    pathways = replace(workings.pathways, contacts=contacts)
    return build_characteristics(replace(workings, pathways=pathways), pathways.referrals)["delivery"]


def test_delivery_is_that_of_the_first_li_session():
    workings = build_workings(draw_rows("start | medium\n2022-01-10 | 01"))
    first = workings.pathways.contacts
    later = first.assign(contact_on=pd.Timestamp("2022-01-17"), medium="02", number=1)
    assessment = first.assign(contact_on=pd.Timestamp("2022-01-03"), type="01", medium="11", number=2)
    missed = first.assign(minute=540.0, is_seen=False, is_attended=False, medium="11", number=3)
    contacts = pd.concat([later, assessment, missed, first], ignore_index=True)
    assert group_delivery(workings, contacts).tolist() == ["in person"]
    only_later = contacts[contacts["number"] == 1].reset_index(drop=True)
    assert group_delivery(workings, only_later).isna().all()  # the episode began with something else: a log


# --- What is released and said ----------------------------------------------------------------------


def draw_groups(field, *groups):
    """Episodes that ended in 2022: (value, people, completed) for each group of one field."""
    lines = [f"start | end | sessions | code | {field} | people"]
    for value, people, completed in groups:
        lines += [f"2022-01-10 | 2022-06-10 | 3 | 46 | {value} | {completed}"] * (completed > 0)
        lines += [f"2022-01-10 | 2022-06-10 | 3 | 47 | {value} | {people - completed}"] * (people > completed)
    return draw_rows("\n".join(lines))


def judge(rows, field):
    """(rows of the table for a characteristic by group, its facts)."""
    tables, facts = build_fairness(build_workings(rows))
    table = tables["fairness"]
    assert find_small(table) == []
    (about,) = [one for one in facts.characteristics if one.id == field]
    return table[table["characteristic"] == field].set_index("group"), about


def test_groups_stand_in_their_order_with_rate_and_interval():
    table, about = judge(draw_groups("gender", ("1", 100, 50), ("2", 203, 122)), "gender")
    assert table.index.tolist() == ["women", "men"]
    women = table.loc["women"]
    assert (women["numerator"], women["denominator"], women["value"]) == (120, 205, 120 / 205)
    lower, upper = calculate_wilson(np.array([120]), np.array([205]))
    assert (women["lower"], women["upper"]) == (lower[0], upper[0])
    assert about.state == "compared" and about.differs is False


def test_groups_under_30_are_counted_together():
    rows = draw_groups("ethnicity", ("A", 200, 120), ("H", 100, 60), ("M", 29, 15), ("D", 11, 5), ("Z", 40, 20))
    table, about = judge(rows, "ethnicity")
    assert table.index.tolist() == ["White British", "Asian", TOGETHER, "not stated or not recorded"]
    assert table.loc[TOGETHER, ["numerator", "denominator"]].tolist() == [20, 40]
    assert "Fewer than 30 people each, so they are counted together: Black, Mixed." in about.says
    assert all("not stated" not in said for said in about.says)


def test_a_single_small_group_has_no_rate():
    table, about = judge(draw_groups("ethnicity", ("A", 200, 120), ("H", 100, 60), ("M", 29, 15)), "ethnicity")
    black = table.loc["Black"]
    assert black["denominator"] == 30 and black[["numerator", "value", "lower", "upper"]].isna().all()
    assert about.says[-1] == "Fewer than 30 people, so no rate is shown: Black."


def test_small_numerators_and_complements_are_hidden():
    table, _ = judge(draw_groups("gender", ("1", 60, 5), ("2", 60, 54), ("9", 60, 30)), "gender")
    assert table["numerator"].isna().to_dict() == {"women": True, "men": True, "another gender": False}
    assert table["lower"].isna().to_dict() == {"women": True, "men": True, "another gender": False}


def test_a_clear_difference_is_told_with_its_uncertainty():
    table, about = judge(draw_groups("source", ("B1", 300, 210), ("A1", 200, 100), ("C1", 100, 60)), "source")
    assert about.differs is True
    assert about.says[0] == (
        "The widest difference is 20 points, between self (70%, 210 of 300) and GP (50%, 100 of 200). "
        "Allowing for chance it could be 9 to 30 points."
    )
    assert about.says[1] == "Taken together, the groups differ by more than we would expect by chance."


def test_a_difference_that_chance_makes_is_called_so():
    _, about = judge(draw_groups("source", ("B1", 100, 52), ("A1", 50, 22), ("C1", 35, 20)), "source")
    assert about.differs is False and "could be minus" in about.says[0]
    assert about.says[1] == "Taken together, the groups differ by no more than we would expect by chance."


def test_a_border_case_does_not_survive_the_correction_for_many_looks():
    rows = draw_groups("gender", ("1", 200, 90), ("2", 200, 112))
    chance = calculate_chance(np.array([90, 112]), np.array([200, 200]))
    assert 0.01 < chance < 0.05
    assert judge(rows, "gender")[1].differs is True  # the one characteristic that is recorded
    others = np.resize(["A", "H"], len(rows)), np.resize(["1", "3", "5"], len(rows))
    more = rows.assign(ethnicity=others[0], deprivation=others[1], source=np.resize(["B1", "A1"], len(rows)))
    more = more.assign(medium=np.resize(["01", "02"], len(rows)), interpreter=np.resize(["4", "1"], len(rows)))
    assert judge(more, "gender")[1].differs is False


def test_not_recorded_is_a_group_and_takes_no_part_in_the_test():
    rows = draw_groups("gender", ("1", 200, 100), ("2", 200, 100), ("X", 60, 0), ("-", 20, 0))
    table, about = judge(rows, "gender")
    assert table.loc["not recorded", "denominator"] == 80 and about.differs is False
    assert "not recorded" not in about.says[0]


def test_a_field_that_is_blank_too_often_is_shown_and_not_compared():
    table, about = judge(draw_groups("gender", ("1", 100, 80), ("2", 100, 20), ("X", 60, 30)), "gender")
    assert len(table) == 3 and about.state == "shown" and about.differs is None
    assert about.says == ("Gender is not known for more than 20% of people, so groups are shown and not compared.",)


def test_a_field_that_is_not_there_is_told_and_how_to_add_it():
    rows = draw_groups("gender", ("1", 100, 80), ("2", 100, 20))
    table, about = judge(rows, "ethnicity")
    assert table.empty and about.state == "missing"
    assert about.says == ("Not in this extract. To see it, add the field: ethnic category.",)
    table, about = judge(rows.assign(ethnicity="Z"), "ethnicity")
    assert about.says == ("Recorded for nobody. To see it, record the field: ethnic category.",)


def test_one_group_alone_cannot_be_compared():
    table, about = judge(draw_groups("gender", ("1", 10, 5), ("2", 100, 50)), "gender")
    assert about.says[0] == "Fewer than two groups have 30 people, so we cannot compare."
    assert find_small(table) == []


def test_people_still_in_treatment_or_ended_before_change_nothing():
    rows = draw_groups("gender", ("1", 100, 50), ("2", 203, 122))
    more = draw_rows(
        """start | end | sessions | code | gender | people
        2022-03-01 | - | 3 | - | 1 | 90
        2021-03-01 | 2021-12-31 | 3 | 46 | 1 | 90
        2022-03-01 | 2022-04-01 | 3 | 49 | 2 | 90"""
    )
    before, after = (build_fairness(build_workings(r)) for r in (rows, pd.concat([rows, more], ignore_index=True)))
    pd.testing.assert_frame_equal(before[0]["fairness"], after[0]["fairness"])
    assert before[1] == after[1]


def test_the_order_of_people_changes_nothing():
    rows = draw_groups("ethnicity", ("A", 200, 120), ("H", 100, 50), ("M", 60, 25), ("D", 11, 5), ("Z", 40, 20))
    shuffled = rows.sample(frac=1, random_state=2).reset_index(drop=True)
    before, after = (build_fairness(build_workings(one)) for one in (rows, shuffled))
    pd.testing.assert_frame_equal(before[0]["fairness"], after[0]["fairness"])
    assert before[1] == after[1]


def test_everyone_is_the_true_total_rounded():
    tables, _ = build_fairness(build_workings(draw_groups("gender", ("1", 102, 51), ("2", 102, 51))))
    everyone = tables["fairness"].set_index("characteristic").loc["everyone"]
    assert (everyone["numerator"], everyone["denominator"]) == (100, 205)


def test_the_page_from_the_release_says_it_in_short_and_shows_each_table(tmp_path):
    rows = draw_groups("source", ("B1", 300, 210), ("A1", 200, 100), ("C1", 9, 6), ("D1", 9, 6))
    rows = rows.assign(gender=np.resize(["1", "2"], len(rows)))
    tables, facts = build_fairness(build_workings(rows))
    write_release(tmp_path / "release", Release(draw_facts(fairness=facts), tables))
    page = str(show_fairness(read_release(tmp_path / "release")))
    assert page == str(show_fairness(Release(draw_facts(fairness=facts), tables)))
    assert (
        "6 of every 10 people (320 of 520) whose LI CBT ended from January 2022 to December 2022 had completed it."
        in page
    )
    assert "Groups differ by more than we would expect by chance: who referred." in page
    assert "Groups differ by no more than we would expect by chance: gender." in page
    assert "We cannot tell: age; ethnic group; deprivation of the area;" in page
    assert page.count("<table") == 2 and TOO_FEW in page
    assert all(about.name in page for about in CHARACTERISTICS)


def test_nobody_at_all_is_said_not_an_error():
    tables, facts = build_fairness(build_workings(draw_rows("start | end | code | gender\n2022-03-01 | - | - | 1")))
    page = show_fairness(Release(draw_facts(fairness=facts), tables))
    assert facts.n_judged == 0 and "Nobody's LI CBT ended" in page.unescape()
    few = build_fairness(build_workings(draw_groups("gender", ("1", 5, 3))))
    assert f"completed it is {HIDDEN}" in show_fairness(Release(draw_facts(fairness=few[1]), few[0]))

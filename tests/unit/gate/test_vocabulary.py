"""Which words of a line may be somebody's name."""

import pytest
from plain_record import PROJECT

from qi_analysis.gate.vocabulary import may_name


@pytest.mark.parametrize(
    ("line", "may"),
    [
        ("I was glad that Priya rang me.", True),
        ("Priya rang me.", True),
        ("My son Kieran came, too.", True),
        ("Evening calls helped. Nobody else rang, and Low Intensity CBT suits me.", False),
        ("Before Christmas the Richmond Wellbeing Service rang on a Tuesday.", False),
        ("I AM GLAD", False),
        ("", False),
    ],
)
def test_a_word_with_a_capital_letter_that_nobody_knows_may_be_a_name(line, may):
    assert may_name(line) is may


def test_no_line_of_the_example_is_taken_for_a_name():
    lines = [
        line for path in (PROJECT / "example").rglob("*.md") for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert len(lines) > 50 and not any(may_name(line) for line in lines)

"""What the pages of the team's own record share: the word that it is an example, how a part is added, lists that end."""

from collections.abc import Sequence
from typing import Any

from qi_analysis.fragments import Html, render_flag, render_notes

EXAMPLE = "Example record, not the team's."
HOW = "docs/the_record.md shows how."
MOST_NAMED = 3


def flag_example(facts: Any) -> Html:
    """The sentence that stands over every page which shows the shipped example; nothing over the team's own record."""
    return render_flag(EXAMPLE) if facts["team"]["is_example"] else Html("")


def render_missing(what: str, add: str) -> Html:
    """What is missing and how to add it."""
    return render_notes([what, add], "Nothing to show yet")


def join_words(words: Sequence[str], most: int = MOST_NAMED) -> str:
    """ "a, b and c"; of more than `most` the first are named and the others counted."""
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def join_sentences(words: Sequence[str], most: int = MOST_NAMED) -> str:
    """Titles one after the other, each ending as a sentence; of more than `most` the others are counted."""
    told = [word if word.endswith((".", "?", "!")) else f"{word}." for word in words[:most]]
    return " ".join([*told, *([f"And {len(words) - most} more."] if len(words) > most else [])])

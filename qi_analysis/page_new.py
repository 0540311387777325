"""The page "What is new, and what do you think?", from a release and from nothing else."""

from typing import Any

import pandas as pd

from qi_analysis.fragments import Html, render_notes, render_slip, render_table
from qi_analysis.page_record import flag_example
from qi_analysis.release import Release

FIRST = "This is the first report, so there is nothing to compare it with. From the next one on, this page says what is new."
TITLES = {
    "definitions": "Definitions",
    "roles": "People",
    "ideas": "Ideas",
    "tests": "Tests",
    "stories": "Stories",
    "actions": "Actions",
}
PLAIN_TITLES = {"ideas": "Ideas", "stories": "Stories"}
SCALE = ("1", "2", "3", "4", "5")
QUESTIONS = [
    ("Was this report useful? 1 is not at all, 5 is very.", SCALE),
    ("Was it clear? 1 is not at all, 5 is very.", SCALE),
    ("What should we change, add or leave out?", ()),
    ("What should we try next to help people stay?", ()),
]
HOW_TO_SEND = "Put your answers in an e-mail, say them by phone, or print this page. They go to {to}. Leave out names and anything about your health."
NO_ANSWERS = "Nobody has answered yet, or no answer of ours is written down."
SAID, PLAIN_SAID = "You said, we did", "What readers of this page said, and what we did"
MOST_ANSWERS = 10


def show_new(release: Release) -> Html:
    """What is new, and what do you think? Changes since the last published review, you said we did, the slip."""
    facts = release.facts
    new = facts["new"]
    if not new["since"]:
        changes = render_notes([FIRST], "What is new")
    else:
        parts = {"Figures": new["figures"], **{TITLES[part]: new["parts"].get(part, []) for part in TITLES}}
        changes = Html("").join(render_notes(lines, name) for name, lines in parts.items())
        changes = changes or render_notes(["Nothing has changed."], "What is new")
        changes = Html(render_notes([f"Compared with: {new['since']}."], "Since the last report") + changes)
    return Html(flag_example(facts) + changes + _show_answers(facts["team"]["feedback"], SAID) + _show_slip(facts))


def show_plain_new(release: Release) -> Html:
    """The same for the public: new ideas and stories, what readers of this edition said, the slip."""
    facts = release.facts
    new = facts["new"]
    told = [line for part in PLAIN_TITLES for line in new["parts"].get(part, []) if line.startswith("New: ")]
    tests = [one["plain_title"] for one in facts["team"]["cycles"] if one["state"] == "running"]
    lines = [*told, *(f"We are trying out: {one.rstrip('.')}." for one in tests[:3])]
    first = ["This is our first report."] if not new["since"] else []
    said = [one for one in facts["team"]["feedback"] if one["edition"] == "plain"]
    changes = render_notes([*first, *lines] or ["Nothing much has changed."], "What is new")
    return Html(flag_example(facts) + changes + _show_answers(said, PLAIN_SAID) + _show_slip(facts))


def _show_answers(answers: list[dict[str, Any]], title: str) -> Html:
    """You said, we did."""
    if not answers:
        return render_notes([NO_ANSWERS], title)
    shown = answers[:MOST_ANSWERS]
    table = pd.DataFrame(
        {
            "You said": [one["said"] for one in shown],
            "We did": [one["did"] for one in shown],
            "When": [one["month"] for one in shown],
        }
    )
    return render_table(table, title)


def _show_slip(facts: Any) -> Html:
    heading = render_notes(["Please answer as much or as little as you like."], "What do you think?")
    return Html(heading + render_slip(QUESTIONS, HOW_TO_SEND.format(to=facts["team"]["reply_to"])))

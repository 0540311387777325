"""The page "Who is doing what by when?", from a release and from nothing else."""

from collections.abc import Sequence

import pandas as pd

from qi_analysis.fragments import Html, render_folded, render_notes, render_table
from qi_analysis.page_record import HOW, flag_example, render_missing
from qi_analysis.release import Release

NONE = "No action is recorded yet."
ADD = f"Say who does what by when with: qi new action. {HOW}"
MOST_ROWS = 25  # of one table in full view
Actions = Sequence[dict[str, str]]


def show_actions(release: Release) -> Html:
    """Who is doing what by when? Due before the next review, then those past their date, then done since last time."""
    facts = release.facts
    actions = facts["team"]["actions"]
    if not actions["any"]:
        return Html(flag_example(facts) + render_missing(NONE, ADD))
    parts = [
        _show_open(actions["due"], "Due before the next review", f"Nothing is due up to {actions['next_review']}."),
        _show_open(actions["late"], "Past the due date, still open", "Nothing is past its due date."),
        _show_done(actions["done"]),
        _show_later([*actions["later"], *actions["undated"]]),
    ]
    return Html(flag_example(facts) + Html("").join(parts))


def _show_open(actions: Actions, title: str, nothing: str) -> Html:
    return _show_table(actions, title) if actions else render_notes([nothing], title)


def _show_table(actions: Actions, title: str) -> Html:
    """A table of open actions; of a long list the rest is folded away."""
    shown = render_table(_build_table(actions[:MOST_ROWS]), title)
    if len(actions) <= MOST_ROWS:
        return shown
    rest = render_table(_build_table(actions[MOST_ROWS:]), f"{title}, the others")
    return Html(shown + render_folded(rest, f"{title}: {len(actions) - MOST_ROWS} more"))


def _build_table(actions: Actions) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Action": [one["action"] for one in actions],
            "Who": [one["owner"] for one in actions],
            "When": [f"due {one['due']}, {_state(one)}" if one["due"] else "no date yet" for one in actions],
        }
    )


def _state(action: dict[str, str]) -> str:
    return "in progress" if action["state"] == "in progress" else "still open"


def _show_done(actions: Actions) -> Html:
    title = "Done since last time"
    if not actions:
        return render_notes(["No action was finished in this month."], title)
    table = pd.DataFrame(
        {
            "Action": [one["action"] for one in actions],
            "Who": [one["owner"] for one in actions],
            "When": [f"done {one['done']}" for one in actions],
        }
    )
    return render_table(table, title)


def _show_later(actions: Actions) -> Html:
    if not actions:
        return Html("")
    return render_folded(
        render_table(_build_table(actions), "Due later, or without a date"),
        f"Due later, or without a date: {len(actions)}",
    )

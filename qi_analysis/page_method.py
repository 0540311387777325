"""The page "Are we working well as a QI team?", from a release and from nothing else."""

from typing import Any

import pandas as pd

from qi_analysis.fragments import Html, render_notes, render_table
from qi_analysis.page_record import HOW, flag_example, join_words, render_missing
from qi_analysis.release import Release

NO_TEAM = "No role is recorded yet, so we cannot say who is on the team."
ADD_TEAM = f"Add roles, never names, with: qi new role. {HOW}"
NO_SCORE = "The team has not set a score yet. Agree one and write it as a heading of decisions.md, such as: ## 2022-06-21 Progress score 2.5"
SCORE_NOTE = "The team sets the score, from 0.5 to 5.0. The report only lists what the record holds for each step."


def show_method(release: Release) -> Html:
    """Are we working well as a QI team? Checks with how to pass them, roles, training, partnership, evidence for a score."""
    facts = release.facts
    method = facts["team"]["method"]
    team = Html(_show_roles(method["roles"]) + _show_ladder(method["ladder"]))
    return Html(
        flag_example(facts)
        + _show_checks(method["checks"])
        + (team or render_missing(NO_TEAM, ADD_TEAM))
        + render_notes(method["partnership"], "Working with people who use the service")
        + _show_score(method)
    )


def _show_checks(checks: list[dict[str, Any]]) -> Html:
    passed = sum(one["passed"] for one in checks)
    table = pd.DataFrame(
        {
            "Check": [one["name"] for one in checks],
            "State": ["passed" if one["passed"] else "not yet" for one in checks],
            "How to pass": ["" if one["passed"] else one["how"] for one in checks],
        }
    )
    return render_table(table, "Checks of our method", f"Passed: {passed} of {len(checks)} checks.")


def _show_roles(roles: list[dict[str, Any]]) -> Html:
    if not roles:
        return Html("")
    table = pd.DataFrame(
        {
            "Role": [one["role"] for one in roles],
            "On the team": [_describe_stay(one) for one in roles],
            "Who follows": [one["successor"] or ("nobody yet" if one["until"] else "no end date") for one in roles],
            "Training": [join_words(one["training"], 4) or "none recorded" for one in roles],
        }
    )
    return render_table(table, "Roles on the team")


def _describe_stay(role: dict[str, Any]) -> str:
    since = f"since {role['since']}" if role["since"] else "start not recorded"
    return f"{since}, until {role['until']}" if role["until"] else since


def _show_ladder(ladder: list[dict[str, Any]]) -> Html:
    if not ladder:
        return Html("")
    table = pd.DataFrame(
        {
            "Step of training": [one["step"] for one in ladder],
            "Done": [join_words(one["done"], 6) or "nobody yet" for one in ladder],
            "Not yet": [join_words(one["not_yet"], 6) or "nobody" for one in ladder],
        }
    )
    return render_table(table, "Training in quality improvement (QI)")


def _show_score(method: dict[str, Any]) -> Html:
    table = pd.DataFrame(
        {
            "Score": [f"up to {one['step']}" for one in method["evidence"]],
            "What would show it": [one["what"] for one in method["evidence"]],
            "In the record": ["yes" if one["seen"] else "not yet" for one in method["evidence"]],
        }
    )
    own = method["score"]
    told = f"The team set its score at {own['score']} on {own['on']}." if own else NO_SCORE
    return Html(
        render_table(table, "Evidence for a progress score") + render_notes([told, SCORE_NOTE], "Our progress score")
    )

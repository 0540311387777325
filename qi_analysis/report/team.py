"""The pages of stories, actions, method and news, from a release and from nothing else."""

from collections.abc import Sequence

import pandas as pd

from qi_analysis.facts import (
    ActionFacts,
    CheckFacts,
    Facts,
    FeedbackFacts,
    MethodFacts,
    RoleFacts,
    StepFacts,
    StoryFacts,
)
from qi_analysis.phrases import upper_first
from qi_analysis.release import Release
from qi_analysis.report.html import (
    HOW,
    Html,
    flag_example,
    join_words,
    render_folded,
    render_missing,
    render_notes,
    render_quote,
    render_slip,
    render_table,
)

NO_STORY = (
    "No story is shown. A story needs the teller's consent for this edition, and the consent must not have ended."
)
ADD_STORY = f"Ask a service user or a member of staff what they agree to, and add it with: qi new story. {HOW}"
TOLD = "The words were checked with the teller, who can take them back at any time."
PLAIN_NONE = "We have no story to show. We only show a story when the person has said yes to it."
PLAIN_ADD = "Do you want to tell us what it was like for you? The last page says how to reach us."
PLAIN_TOLD = "The people who told us this said yes to it. They can change their mind at any time."
NO_ACTION = "No action is recorded yet."
ADD_ACTION = f"Say who does what by when with: qi new action. {HOW}"
MOST_ROWS = 25  # of one table in full view
Actions = Sequence[ActionFacts]
NO_TEAM = "No role is recorded yet, so we cannot say who is on the team."
ADD_TEAM = f"Add roles, never names, with: qi new role. {HOW}"
NO_SCORE = "The team has not set a score yet. Agree one and write it as a heading of decisions.md, such as: ## 2022-06-21 Progress score 2.5"
SCORE_NOTE = "The team sets the score, from 0.5 to 5.0. The report only lists what the record holds for each step."
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


# The page "What is it like?": stories that their tellers have agreed to.
def show_stories(release: Release) -> Html:
    """What is it like? Up to two consented stories, each with the teller's role and the month."""
    return _show(release, "team", render_missing(NO_STORY, ADD_STORY), TOLD)


def show_plain_stories(release: Release) -> Html:
    """The same for the public: only stories with consent for everyone."""
    return _show(release, "plain", render_notes([PLAIN_NONE, PLAIN_ADD], "No story yet"), PLAIN_TOLD)


def _show(release: Release, edition: str, missing: Html, told: str) -> Html:
    stories = release.facts.team.stories[edition]
    flag = flag_example(release.facts)
    if not stories:
        return Html(flag + missing)
    quotes = Html("").join(render_quote(one.words, _describe_teller(one, edition)) for one in stories)
    return Html(flag + quotes + render_notes([told], "About these words"))


def _describe_teller(story: StoryFacts, edition: str) -> str:
    about = f". About: {story.about}" if story.about and edition == "team" else ""
    return f"{upper_first(story.teller)}{about}"


# The page "Who is doing what by when?".
def show_actions(release: Release) -> Html:
    """Who is doing what by when? Due before the next review, then those past their date, then done since last time."""
    facts = release.facts
    actions = facts.team.actions
    if not actions.any:
        return Html(flag_example(facts) + render_missing(NO_ACTION, ADD_ACTION))
    parts = [
        _show_open(actions.due, "Due before the next review", f"Nothing is due up to {actions.next_review}."),
        _show_open(actions.late, "Past the due date, still open", "Nothing is past its due date."),
        _show_done(actions.done),
        _show_later([*actions.later, *actions.undated]),
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
            "Action": [one.action for one in actions],
            "Who": [one.owner for one in actions],
            "When": [f"due {one.due}, {_state(one)}" if one.due else "no date yet" for one in actions],
        }
    )


def _state(action: ActionFacts) -> str:
    return "in progress" if action.state == "in progress" else "still open"


def _show_done(actions: Actions) -> Html:
    title = "Done since last time"
    if not actions:
        return render_notes(["No action was finished in this month."], title)
    table = pd.DataFrame(
        {
            "Action": [one.action for one in actions],
            "Who": [one.owner for one in actions],
            "When": [f"done {one.done}" for one in actions],
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


# The page "Are we working well as a QI team?".
def show_method(release: Release) -> Html:
    """Are we working well as a QI team? Checks with how to pass them, roles, training, partnership, evidence for a score."""
    facts = release.facts
    method = facts.team.method
    team = Html(_show_roles(method.roles) + _show_ladder(method.ladder))
    return Html(
        flag_example(facts)
        + _show_checks(method.checks)
        + (team or render_missing(NO_TEAM, ADD_TEAM))
        + render_notes(method.partnership, "Working with people who use the service")
        + _show_score(method)
    )


def _show_checks(checks: Sequence[CheckFacts]) -> Html:
    passed = sum(one.passed for one in checks)
    table = pd.DataFrame(
        {
            "Check": [one.name for one in checks],
            "State": ["passed" if one.passed else "not yet" for one in checks],
            "How to pass": ["" if one.passed else one.how for one in checks],
        }
    )
    return render_table(table, "Checks of our method", f"Passed: {passed} of {len(checks)} checks.")


def _show_roles(roles: Sequence[RoleFacts]) -> Html:
    if not roles:
        return Html("")
    table = pd.DataFrame(
        {
            "Role": [one.role for one in roles],
            "On the team": [_describe_stay(one) for one in roles],
            "Who follows": [one.successor or ("nobody yet" if one.until else "no end date") for one in roles],
            "Training": [join_words(one.training, 4) or "none recorded" for one in roles],
        }
    )
    return render_table(table, "Roles on the team")


def _describe_stay(role: RoleFacts) -> str:
    since = f"since {role.since}" if role.since else "start not recorded"
    return f"{since}, until {role.until}" if role.until else since


def _show_ladder(ladder: Sequence[StepFacts]) -> Html:
    if not ladder:
        return Html("")
    table = pd.DataFrame(
        {
            "Step of training": [one.step for one in ladder],
            "Done": [join_words(one.done, 6) or "nobody yet" for one in ladder],
            "Not yet": [join_words(one.not_yet, 6) or "nobody" for one in ladder],
        }
    )
    return render_table(table, "Training in quality improvement (QI)")


def _show_score(method: MethodFacts) -> Html:
    table = pd.DataFrame(
        {
            "Score": [f"up to {one.step}" for one in method.evidence],
            "What would show it": [one.what for one in method.evidence],
            "In the record": ["yes" if one.seen else "not yet" for one in method.evidence],
        }
    )
    own = method.score
    told = f"The team set its score at {own.score} on {own.on}." if own else NO_SCORE
    return Html(
        render_table(table, "Evidence for a progress score") + render_notes([told, SCORE_NOTE], "Our progress score")
    )


# The page "What is new, and what do you think?".
def show_new(release: Release) -> Html:
    """What is new, and what do you think? Changes since the last published review, you said we did, the slip."""
    facts = release.facts
    new = facts.new
    if not new.since:
        changes = render_notes([FIRST], "What is new")
    else:
        parts = {"Figures": new.figures, **{TITLES[part]: new.parts.get(part, ()) for part in TITLES}}
        changes = Html("").join(render_notes(lines, name) for name, lines in parts.items())
        changes = changes or render_notes(["Nothing has changed."], "What is new")
        changes = Html(render_notes([f"Compared with: {new.since}."], "Since the last report") + changes)
    return Html(flag_example(facts) + changes + _show_answers(facts.team.feedback, SAID) + _show_slip(facts))


def show_plain_new(release: Release) -> Html:
    """The same for the public: new ideas and stories, what readers of this edition said, the slip."""
    facts = release.facts
    new = facts.new
    told = [line for part in PLAIN_TITLES for line in new.parts.get(part, ()) if line.startswith("New: ")]
    tests = [one.plain_title for one in facts.team.cycles if one.state == "running"]
    lines = [*told, *(f"We are trying out: {one.rstrip('.')}." for one in tests[:3])]
    first = ["This is our first report."] if not new.since else []
    said = [one for one in facts.team.feedback if one.edition == "plain"]
    changes = render_notes([*first, *lines] or ["Nothing much has changed."], "What is new")
    return Html(flag_example(facts) + changes + _show_answers(said, PLAIN_SAID) + _show_slip(facts))


def _show_answers(answers: Sequence[FeedbackFacts], title: str) -> Html:
    """You said, we did."""
    if not answers:
        return render_notes([NO_ANSWERS], title)
    shown = answers[:MOST_ANSWERS]
    table = pd.DataFrame(
        {
            "You said": [one.said for one in shown],
            "We did": [one.did for one in shown],
            "When": [one.month for one in shown],
        }
    )
    return render_table(table, title)


def _show_slip(facts: Facts) -> Html:
    heading = render_notes(["Please answer as much or as little as you like."], "What do you think?")
    return Html(heading + render_slip(QUESTIONS, HOW_TO_SEND.format(to=facts.team.reply_to)))

"""The page "What is it like?": stories that their tellers have agreed to, from a release and from nothing else."""

from qi_analysis.fragments import Html, render_notes, render_quote
from qi_analysis.page_record import HOW, flag_example, render_missing
from qi_analysis.phrases import upper_first
from qi_analysis.release import Release

NONE = "No story is shown. A story needs the teller's consent for this edition, and the consent must not have ended."
ADD = f"Ask a service user or a member of staff what they agree to, and add it with: qi new story. {HOW}"
TOLD = "The words were checked with the teller, who can take them back at any time."
PLAIN_NONE = "We have no story to show. We only show a story when the person has said yes to it."
PLAIN_ADD = "Do you want to tell us what it was like for you? The last page says how to reach us."
PLAIN_TOLD = "The people who told us this said yes to it. They can change their mind at any time."


def show_stories(release: Release) -> Html:
    """What is it like? Up to two consented stories, each with the teller's role and the month."""
    return _show(release, "team", render_missing(NONE, ADD), TOLD)


def show_plain_stories(release: Release) -> Html:
    """The same for the public: only stories with consent for everyone."""
    return _show(release, "plain", render_notes([PLAIN_NONE, PLAIN_ADD], "No story yet"), PLAIN_TOLD)


def _show(release: Release, edition: str, missing: Html, told: str) -> Html:
    stories = release.facts["team"]["stories"][edition]
    flag = flag_example(release.facts)
    if not stories:
        return Html(flag + missing)
    quotes = Html("").join(render_quote(one["words"], _describe_teller(one, edition)) for one in stories)
    return Html(flag + quotes + render_notes([told], "About these words"))


def _describe_teller(story: dict[str, str], edition: str) -> str:
    about = f". About: {story['about']}" if story["about"] and edition == "team" else ""
    return f"{upper_first(story['teller'])}{about}"

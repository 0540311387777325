"""Which stories may be shown: the one judgement that every page and pack asks."""

from datetime import date

from qi_analysis.team_record_values import Story, TeamRecord

SHOWN_IN = {"team": ("team", "plain"), "analyst": ("team", "plain"), "plain": ("plain",)}


def list_stories(record: TeamRecord, edition: str, as_at: date, today: date | None = None) -> tuple[Story, ...]:
    """The stories that may be shown in an edition (team, plain, analyst) of the review as at a day, newest first.

    A story needs a consent for that edition, given and not ended by the later of the two days: an old review that is made
    again must not show a story whose consent has ended since. One without a date of consent or of its end is never shown,
    nor one that holds a personal detail, nor one told after `as_at`. Any other edition: none. `today`: the clock's.
    """
    wanted, day = SHOWN_IN.get(edition, ()), max(as_at, today or date.today())
    shown = [
        story
        for story in record.stories
        if story.consent in wanted
        and not story.has_personal_detail
        and story.day <= as_at
        and story.consent_on is not None
        and story.consent_ends is not None
        and story.consent_on <= day <= story.consent_ends
    ]
    return tuple(sorted(shown, key=lambda story: story.day, reverse=True))

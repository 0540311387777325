"""The front doors of the notebooks: the release of a review, and the analyst's workshop of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from qi_analysis.errors import DataProblem
from qi_analysis.periods import parse_period
from qi_analysis.record.read_settings import read_whole_record
from qi_analysis.release import Release, read_release
from qi_analysis.storage import find_places

if TYPE_CHECKING:
    from qi_analysis.answers.workshop import Workshop
    from qi_analysis.record.team import TeamRecord


def load_review(period: str) -> Release:
    """The release of a review: a month such as "2022-08", or "latest" for the newest there is.

    Raises DataProblem when it has not been made yet, RecordProblem when the period is no month.
    """
    folder = find_places().release("any").parent
    return read_release(folder / _choose(period, folder))


def load_record(review: Release) -> "TeamRecord":
    """The team's own record beside a review; the shipped example when the review is synthetic and there is none yet.

    Raises RecordProblem with every line that stops it.
    """
    from qi_analysis.record.read_team import read_team_record

    folder = find_places().record
    team = read_whole_record(folder)[1]
    return team if review.facts["data_kind"] == "service" else read_team_record(folder, allow_example=True)


def load_workshop(period: str) -> "Workshop":
    """The rows and exact results behind a review, for the analyst on this machine."""
    from qi_analysis.answers.workshop import read_workshop

    processed = find_places().processed
    return read_workshop(processed / _choose(period, processed))


def _choose(period: str, folder: Path) -> str:
    if period != "latest":
        return parse_period(period).id
    made = sorted(path.name for path in folder.glob("20??-??") if path.is_dir())
    if not made:
        raise DataProblem("No review has been made yet. Make one first with: qi run latest")
    return made[-1]

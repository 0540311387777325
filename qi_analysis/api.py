"""The front doors of the notebooks: the release of a review, the team's record beside it, and the analyst's workshop."""

from pathlib import Path
from typing import TYPE_CHECKING

from qi_analysis.errors import DataProblem
from qi_analysis.periods import parse_period
from qi_analysis.record.read_settings import read_whole_record
from qi_analysis.record.read_team import read_team_record
from qi_analysis.record.team import TeamRecord
from qi_analysis.release import Release, read_release
from qi_analysis.storage import choose_places

if TYPE_CHECKING:
    from qi_analysis.answers.workshop import Workshop


def load_review(period: str = "latest", folder: Path | str = ".") -> Release:
    """The release of a review: protected figures and sentences, all that a page may show.

    Parameters
    ----------
    period : str, optional
        A month, "2022-08", or "latest" for the newest that was made.
    folder : path or str, optional
        The project. Left out: the one that holds the current folder.

    Returns
    -------
    Release
        `.tables` by name, `.facts` as words; `qi.pages` shows them.

    Raises
    ------
    DataProblem
        When the review has not been made yet.
    RecordProblem
        When the period is no month or the folder no project.

    Examples
    --------
    >>> import qi_analysis as qi
    >>> review = qi.load_review()
    >>> review.tables["chart"]["measure_id"].unique().tolist()
    ['li_completion']
    """
    made = choose_places(folder).release("any").parent
    return read_release(made / _choose(period, made))


def load_record(review: Release, folder: Path | str = ".") -> TeamRecord:
    """The team's own record beside a review; the shipped example when the review is synthetic and there is none yet.

    Parameters
    ----------
    review : Release
        Of `load_review`.
    folder : path or str, optional
        The project. Left out: the one that holds the current folder.

    Returns
    -------
    TeamRecord
        Roles, drivers, cycles, ideas, stories, actions, feedback, decisions: frozen values.

    Raises
    ------
    RecordProblem
        With every line that stops it.

    Examples
    --------
    >>> import qi_analysis as qi
    >>> qi.load_record(qi.load_review()).is_example
    True
    """
    record = choose_places(folder).record
    team = read_whole_record(record)[1]
    return team if review.facts.data_kind == "service" else read_team_record(record, allow_example=True)


def load_workshop(period: str = "latest", folder: Path | str = ".") -> "Workshop":
    """The rows and exact results behind a review that was made, for the analyst on this machine. Never shared.

    Parameters
    ----------
    period : str, optional
        A month, "2022-08", or "latest" for the newest that was made.
    folder : path or str, optional
        The project. Left out: the one that holds the current folder.

    Returns
    -------
    Workshop
        `.pathways` (one row per referral, random surrogate keys), `.results` (every measure by month), `.quality`,
        `.ledger` and `.set_aside` as data frames.

    Raises
    ------
    DataProblem
        When the review has not been made yet.
    RecordProblem
        When the period is no month or the folder no project.

    Examples
    --------
    >>> import qi_analysis as qi
    >>> workshop = qi.load_workshop()
    >>> int((workshop.ledger["rows_in"] - workshop.ledger[["used", "merged", "set_aside"]].sum(axis=1)).abs().sum())
    0
    """
    from qi_analysis.answers.workshop import read_workshop  # the review's kernel, which opens this module too, may not

    processed = choose_places(folder).processed
    return read_workshop(processed / _choose(period, processed))


def _choose(period: str, folder: Path) -> str:
    if period != "latest":
        return parse_period(period).id
    made = sorted(path.name for path in folder.glob("20??-??") if path.is_dir())
    if not made:
        raise DataProblem("No review has been made yet. Make one first with: qi run latest")
    return made[-1]

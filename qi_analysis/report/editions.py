"""The editions of a review: one executed notebook, one page for each kind of reader, all of them or none.

Tags of the cells say who reads what: "team", "plain", "analyst". A heading or text without a tag is in every
edition. A cell of code without one is in the team's: nothing reaches the public by being forgotten.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from nbformat import NotebookNode

EditionName = Literal["team", "plain", "analyst"]
TITLE = "Review of {}"


@dataclass(frozen=True)
class Edition:
    """name; page: its file; says: its name in the list of reviews; tags: cells it shows beside those without a tag."""

    name: EditionName
    page: str
    says: str
    tags: frozenset[str]


EDITIONS = (
    Edition("team", "completion_review.html", "Team edition", frozenset({"team"})),
    Edition("plain", "completion_review_plain.html", "Plain edition", frozenset({"plain"})),
    Edition(
        "analyst",
        "completion_review_analyst.html",
        "Analyst edition, not for forwarding",
        frozenset({"team", "analyst"}),
    ),
)
TAGS = frozenset().union(*(edition.tags for edition in EDITIONS))


def choose_cells(executed: "NotebookNode", edition: Edition) -> "NotebookNode":
    """The executed notebook with the cells of one edition. Takes a notebook and leaves it as it is."""
    return type(executed)(executed, cells=[cell for cell in executed.cells if _is_shown(cell, edition)])


def _is_shown(cell: "NotebookNode", edition: Edition) -> bool:
    wanted = TAGS & set(cell.metadata.get("tags", []))
    if not wanted:
        return cell.cell_type == "markdown" or edition.name != "plain"
    return bool(wanted & edition.tags)

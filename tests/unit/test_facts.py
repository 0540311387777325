"""Facts of a release: what is written is read again as it was, and nothing else is read as facts."""

import json

import pytest
from drawn_facts import draw_facts

from qi_analysis.errors import DataProblem
from qi_analysis.facts import ActionFacts, Facts, PublishedFacts, StandingFacts
from qi_analysis.release import PublishedFigures, Release, read_published_figures, read_release, write_release

ACTION = {"id": "A1", "action": "Ring", "owner": "lead", "due": "", "done": "", "state": "open"}
FACTS = draw_facts(
    period="2022-08",
    target=0.7,
    moved=[["June 2022", "Completed", "3 of 40", "4 of 40"]],
    fairness={"months": ["January 2022", "June 2022"], "characteristics": [{"id": "age", "differs": None}]},
    leaving={"change": {"on_words": "1 May 2021", "window": 91}},
    new={"since": "Review of July 2022", "parts": {"ideas": ["New: a call."]}},
    team={"perspectives": {"rows": [["analyst", 2, 1]]}, "actions": {"late": [ACTION]}},
)


def write(folder, change=lambda told: None) -> Facts:
    """The facts as they come back, after their file was changed."""
    write_release(folder, Release(FACTS, {}))
    told = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    change(told)
    (folder / "facts.json").write_text(json.dumps(told), encoding="utf-8")
    return read_release(folder).facts


def test_facts_come_back_as_they_were(tmp_path):
    assert write(tmp_path / "release") == FACTS
    assert FACTS.team.actions.late == (ActionFacts(**ACTION),) and FACTS.team.perspectives.rows == (("analyst", 2, 1),)
    assert FACTS.standing is None and FACTS.leaving.change.window == 91


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.pop("population"),
        lambda told: told.update(popualtion="all"),
        lambda told: told["team"].pop("cycles"),
        lambda told: told["team"]["actions"]["late"][0].update(colour="red"),
        lambda told: told["team"]["perspectives"]["rows"].append(["analyst", 2]),
        lambda told: told.update(team=["a list"]),
    ],
)
def test_facts_of_another_version_are_refused(tmp_path, change):
    with pytest.raises(DataProblem, match="not one of this version"):
        write(tmp_path / "release", change)


def test_published_figures_are_a_release_of_their_own(tmp_path):
    texts = ("year", "kind", "service", "title", "name", "alt", "means", "licence")
    standing = StandingFacts(**dict.fromkeys(texts, "a"), sentences=("One.",), method=())
    write_release(tmp_path / "figures", PublishedFigures(PublishedFacts(standing=standing), {}))
    assert read_published_figures(tmp_path / "figures").facts == PublishedFacts(standing=standing)

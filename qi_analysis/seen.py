"""What was looked at before: with which data and settings each review was made, so that nothing is done twice.

Light on purpose: it is asked before pandas is imported.
"""

import hashlib
import json
from typing import Any

from qi_analysis.places import Places
from qi_analysis.publish import read_published
from qi_analysis.whole import write_whole

SEEN = ".seen.json"
EVERY = "every month"


def find_unchanged(places: Places, inputs: dict[str, str], settings: dict[str, str]) -> dict[str, str]:
    """period id -> verdict of each published review that the same data and settings would make again."""
    digest = _digest(inputs, settings)
    seen = _read_seen(places)
    newest = {period: revisions[-1] for period, revisions in read_published(places.reports).items()}
    return {p: one.manifest["verdict"] for p, one in newest.items() if seen.get(p) == [digest, one.revision]}


def remember(
    places: Places, made: list[str], every: list[str], inputs: dict[str, str], settings: dict[str, str]
) -> None:
    """Note that the reviews `made` were looked at with this data and these settings, and which months it holds."""
    digest = _digest(inputs, settings)
    newest = {period: revisions[-1] for period, revisions in read_published(places.reports).items()}
    seen = _read_seen(places) | {p: [digest, newest[p].revision] for p in made if p in newest}
    write_whole(places.processed / SEEN, json.dumps(seen | {EVERY: [digest, every]}, indent=1, sort_keys=True))


def _read_seen(places: Places) -> dict[str, list[Any]]:
    """What is noted; lines that are damaged are as if they were not there."""
    path = places.processed / SEEN
    try:
        seen = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    pairs = seen.items() if isinstance(seen, dict) else ()
    return {name: noted for name, noted in pairs if isinstance(noted, list) and len(noted) == 2}


def _digest(inputs: dict[str, str], settings: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps([inputs, settings], sort_keys=True).encode()).hexdigest()


def find_months(places: Places, inputs: dict[str, str], settings: dict[str, str]) -> list[str]:
    """The months this very data holds, oldest first, where it was looked at before; else none."""
    digest, months = _read_seen(places).get(EVERY, ["", []])
    return months if digest == _digest(inputs, settings) else []

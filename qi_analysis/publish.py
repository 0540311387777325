"""Publishing: a review is put together aside and appears in one rename, whole or not at all.

The first revision of a period is reports/2022-08, later ones stand beside it as reports/2022-08-revision-2. A
folder that has been published is never touched again; reports/index.html is made anew from the manifests.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from qi_analysis.errors import DataProblem
from qi_analysis.periods import parse_period

REVIEW_PAGE = "completion_review.html"
RESULTS = "results.csv"
MANIFEST = "manifest.json"
FOLDER = re.compile(r"(\d{4}-\d\d)(?:-revision-(\d+))?")


@dataclass(frozen=True)
class Published:
    """One published revision: its folder and its manifest."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def revision(self) -> int:
        return int(self.manifest["revision"])


def read_published(reports: Path) -> dict[str, list[Published]]:
    """period id -> its published revisions, oldest first. Folders without a whole manifest are not published."""
    found: dict[str, list[Published]] = {}
    for folder in reports.iterdir() if reports.exists() else ():
        name = FOLDER.fullmatch(folder.name)
        if name and (folder / MANIFEST).exists():
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            found.setdefault(name[1], []).append(Published(folder, manifest))
    return {period: sorted(all_of_it, key=lambda one: one.revision) for period, all_of_it in sorted(found.items())}


def find_last_review(reports: Path) -> date | None:
    """The day to which the newest published review looked; None when there is none."""
    published = read_published(reports)
    return date.fromisoformat(published[max(published)][-1].manifest["data_date"]) if published else None


def revision_folder(reports: Path, period_id: str, revision: int) -> Path:
    """Where a revision is published."""
    return reports / (period_id if revision == 1 else f"{period_id}-revision-{revision}")


def publish(reports: Path, period_id: str, revision: int, files: Mapping[str, str]) -> Path:
    """Write the files of one revision aside, flush them to disk and rename the folder into place.

    Raises DataProblem when that revision is already there (another run has published it meanwhile).
    """
    target = revision_folder(reports, period_id, revision)
    building = reports / f".{target.name}.building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    for name, text in files.items():
        with (building / name).open("w", encoding="utf-8", newline="\n") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
    if target.exists():
        shutil.rmtree(building)
        raise DataProblem(
            f"Revision {revision} of {period_id} is already published. Run again to see what has changed."
        )
    building.rename(target)
    return target


def write_index(reports: Path, project: str) -> None:
    """Make reports/index.html anew from the manifests: periods newest first."""
    from qi_analysis.fragments import IndexEntry, PageFacts, render_index

    entries = []
    for period_id, revisions in read_published(reports).items():
        for one in revisions:
            links = (
                (one.manifest["title"], f"{one.folder.name}/{REVIEW_PAGE}"),
                ("Results as data", f"{one.folder.name}/{RESULTS}"),
            )
            entries.append(
                IndexEntry(
                    parse_period(period_id),
                    one.manifest["verdict"],
                    date.fromisoformat(one.manifest["data_date"]),
                    one.revision,
                    links,
                    one.manifest["data_kind"],
                )  # fmt: skip
            )
    all_real = bool(entries) and all(entry.data_kind == "service" for entry in entries)
    page = render_index(
        entries, PageFacts("Monthly reviews", project, (), data_kind="service" if all_real else "synthetic")
    )
    write_whole(reports / "index.html", page)


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step: the old one stays until the new one is whole."""
    aside = path.with_name(f".{path.name}.building")
    with aside.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(aside, path)

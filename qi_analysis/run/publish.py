"""Publishing: a review is put together aside and appears in one rename, whole or not at all.

The first revision of a period is reports/2022-08, later ones stand beside it as reports/2022-08-revision-2. A folder
that has been published is never touched again; reports/index.html is made anew from the manifests. Beside the pages lies
the verdict of the gate: digests and counts, no values. A page without a matching one is not shared.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from qi_analysis import __version__
from qi_analysis.errors import DataProblem, GateClosed
from qi_analysis.periods import parse_period
from qi_analysis.report.editions import EDITIONS
from qi_analysis.run.provenance import digest_file
from qi_analysis.storage import write_folder, write_whole

RESULTS = "results.csv"
MANIFEST = "manifest.json"
INDEX = "index.html"
VERDICT = "verdict.json"
PAGE_END = "</html>"
FOLDER = re.compile(r"(\d{4}-\d\d)(?:-revision-(\d+))?")
NAMED = re.compile(rf'href="({FOLDER.pattern})/')
NEEDED = {"period", "title", "revision", "verdict", "data_date", "data_kind", "settings", "results_sha256"}


@dataclass(frozen=True)
class Published:
    """One published revision: its folder and its manifest."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def revision(self) -> int:
        """1 for the first, then 2 and so on."""
        return int(self.manifest["revision"])


@dataclass(frozen=True)
class Outcome:
    """What became of one period: the last line to print and the exit code."""

    period_id: str
    line: str
    exit_code: int = 0
    is_new: bool = False


def read_published(reports: Path) -> dict[str, list[Published]]:
    """period id -> its published revisions, oldest first. Folders without a whole manifest are not published."""
    found: dict[str, list[Published]] = {}
    for period, folder in _find_folders(reports):
        manifest = _read_manifest(folder)
        if manifest is not None:
            found.setdefault(period, []).append(Published(folder, manifest))
    return {period: sorted(all_of_it, key=lambda one: one.revision) for period, all_of_it in sorted(found.items())}


def check_published(reports: Path) -> list[str]:
    """One sentence for each folder of a review that holds something but no whole manifest, so is not known."""
    return [
        f"reports/{folder.name} is damaged: its {MANIFEST} cannot be read. Put the folder back from a copy, or move "
        "it out of reports to have the review made again."
        for _, folder in _find_folders(reports)
        if _read_manifest(folder) is None and any(folder.iterdir())
    ]


def read_earlier(reports: Path, period_id: str) -> list[Published]:
    """The published revisions of a period, oldest first. Raises DataProblem when one of them is damaged."""
    for problem in check_published(reports):
        if problem.startswith(f"reports/{period_id}"):
            raise DataProblem(problem)
    earlier = read_published(reports).get(period_id, [])
    for one in earlier[-1:]:
        if not (one.folder / RESULTS).exists() or digest_file(one.folder / RESULTS) != one.manifest["results_sha256"]:
            raise DataProblem(
                f"reports/{one.folder.name} is damaged: its {RESULTS} is not what was published. Put the folder back "
                "from a copy, or move it out of reports to have the review made again."
            )
    return earlier


def _find_folders(reports: Path) -> list[tuple[str, Path]]:
    names = [(FOLDER.fullmatch(folder.name), folder) for folder in sorted(reports.glob("*"))]
    return [(name[1], folder) for name, folder in names if name and folder.is_dir()]


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and set(manifest) >= NEEDED else None


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
    if target.exists() and any(target.iterdir()):
        raise DataProblem(
            f"Revision {revision} of {period_id} is already published. Run again to see what has changed."
        )
    with write_folder(target) as building:
        for name, text in files.items():
            (building / name).write_text(text, encoding="utf-8", newline="\n")
    return target


def has_whole_index(reports: Path) -> bool:
    """Whether the index names every published revision and no other."""
    try:
        page = (reports / INDEX).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    published = {one.folder.name for revisions in read_published(reports).values() for one in revisions}
    return page.rstrip().endswith(PAGE_END) and {found[1] for found in NAMED.finditer(page)} == published


def write_index(reports: Path, project: str) -> None:
    """Make reports/index.html anew from the manifests: periods newest first."""
    from qi_analysis.report.html import IndexEntry, PageFacts, render_index  # pandas: "nothing new" is said without

    entries = []
    for period_id, revisions in read_published(reports).items():
        for one in revisions:
            names = [(edition.says, page) for edition in EDITIONS if (page := edition.page) in one.manifest["pages"]]
            files = [*names, ("Results as data", RESULTS)]
            entries.append(
                IndexEntry(
                    parse_period(period_id),
                    one.manifest["verdict"],
                    date.fromisoformat(one.manifest["data_date"]),
                    one.revision,
                    tuple((name, f"{one.folder.name}/{file}") for name, file in files),
                    one.manifest["data_kind"],
                )  # fmt: skip
            )
    all_real = bool(entries) and all(entry.data_kind == "service" for entry in entries)
    page = render_index(
        entries, PageFacts("Monthly reviews", project, (), data_kind="service" if all_real else "synthetic")
    )
    write_whole(reports / INDEX, page)


def build_verdict_file(pages: Mapping[str, bytes], store_digest: str, checks: int) -> str:
    """The text of a verdict: for each page that the gate let through its SHA-256, that of the release and the checks passed."""
    entries = {
        name: {"sha256": hashlib.sha256(page).hexdigest(), "release_sha256": store_digest, "checks_passed": checks}
        for name, page in sorted(pages.items())
    }
    return json.dumps({"gate": f"qi_analysis {__version__}", "pages": entries}, indent=1, sort_keys=True) + "\n"


def read_passed_page(page: Path) -> str:
    """A published page, read once. Raises GateClosed unless verdict.json beside it holds the digest of these very bytes."""
    refusal = GateClosed(
        f"Not shared: the gate has no verdict for {page.name} as it lies in {page.parent.name}. It was changed, or is too "
        "old: move that folder away and make the review again with: qi run"
    )
    try:
        content = page.read_bytes()
        entry = json.loads((page.parent / VERDICT).read_text(encoding="utf-8"))["pages"][page.name]
        is_same = entry["sha256"] == hashlib.sha256(content).hexdigest()
        has_passed = isinstance(entry["checks_passed"], int) and entry["checks_passed"] > 0
        text = content.decode("utf-8")
    except (OSError, ValueError, KeyError, TypeError):
        raise refusal from None
    if not (is_same and has_passed):
        raise refusal
    return text

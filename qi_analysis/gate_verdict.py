"""The verdict of the gate beside a published page: digests and counts, no values. A page without a matching one is not shared."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from qi_analysis import __version__
from qi_analysis.errors import GateClosed

VERDICT = "verdict.json"


def build_verdict_file(pages: Mapping[str, bytes], store_digest: str, checks: int) -> str:
    """The text of a verdict: for each page that the gate let through its SHA-256, that of the release and the checks passed."""
    entries = {
        name: {"sha256": hashlib.sha256(page).hexdigest(), "release_sha256": store_digest, "checks_passed": checks}
        for name, page in sorted(pages.items())
    }
    return json.dumps({"gate": f"qi_analysis {__version__}", "pages": entries}, indent=1, sort_keys=True) + "\n"


def check_verdict(page: Path, verdict: Path) -> bool:
    """True when a page is the very one that the gate let through. Raises GateClosed when it is not, or nobody can tell."""
    try:
        entry = json.loads(verdict.read_text(encoding="utf-8"))["pages"][page.name]
        wanted, passed = entry["sha256"], entry["checks_passed"]
        found = hashlib.sha256(page.read_bytes()).hexdigest()
    except (OSError, ValueError, KeyError, TypeError):
        raise GateClosed(
            f"{page.name}: there is no verdict of the gate for this page. Make the review again."
        ) from None
    if found != wanted or not isinstance(passed, int) or passed < 1:
        raise GateClosed(f"{page.name}: the page was changed after the gate had read it. Make the review again.")
    return True

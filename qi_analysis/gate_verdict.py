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

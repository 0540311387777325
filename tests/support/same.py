"""Does a change of the code leave every report as it was? Makes fixed synthetic reviews and compares their digests.

`make same` makes one review of a sample of 14 months with its packs; `make same LONG=1` every review of 30 months.
The expected digests stand in tests/golden/reports and are written anew only with `WRITE=1`, in a commit that says
which figures moved. What must differ from commit to commit is left out: the commit itself, the fingerprints of code,
notebooks and versions, this package's own version and the code cells that the analyst's page shows.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "reports"
DAY = "2022-06-14"
PACKS = [
    ["handover", "--on", DAY],
    ["meeting", DAY],
    ["welcome", "clinician", "--on", DAY],
    ["case-study", "--on", DAY],
    ["export", "life-qi", "--on", DAY],
    ["share"],
    ["share", "--edition", "plain"],
]
CODE_CELL = re.compile(r'<pre class="scroll"[^>]*aria-label="Code \d+">.*?</pre>', re.S)
OWN_ROW = re.compile(
    r'<tr><th scope="row">(?:Commit|Version of qi_analysis|Fingerprint of (?:code|notebooks|versions))</th>.*?</tr>',
    re.S,
)


def run(project: Path, *words: str) -> None:
    """One `qi` command in a project; its words are shown only if it fails."""
    done = subprocess.run([sys.executable, "-m", "qi_analysis", *words], cwd=project, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"qi {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def make_reviews(project: Path, is_long: bool) -> None:
    """A project with the shipped record and notebooks, its sample, its reviews and, for the short check, its packs."""
    for name in ("project", "notebooks"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    run(project, "sample", "data/raw", "--seed", "2021", "--months", "30" if is_long else "14")
    run(project, "run", "--all" if is_long else "latest")
    for words in [] if is_long else PACKS:
        run(project, *words)


def plain(path: Path) -> bytes:
    """What is compared of a file: its bytes less what must differ from commit to commit."""
    if path.name in ("manifest.json", "facts.json"):
        return json.dumps(drop_own(json.loads(path.read_text(encoding="utf-8"))), sort_keys=True).encode()
    if path.name == "completion_review_analyst.html":
        return OWN_ROW.sub("", CODE_CELL.sub("", path.read_text(encoding="utf-8"))).encode()
    return path.read_bytes()


def drop_own(facts: dict) -> dict:
    """A manifest, or the facts of a release, less the fingerprints of this very code."""
    made = facts.get("made_from", facts)
    made.pop("commit", None)
    made.get("versions", {}).pop("qi_analysis", None)
    for name in ("code", "notebooks", "versions"):
        made.get("fingerprints", facts.get("settings", {})).pop(name, None)
    facts.pop("page_sha256", None)
    return facts


def digest(project: Path) -> dict[str, str]:
    """path below the project -> SHA-256, of everything published and of the releases behind it."""
    files = [*(project / "reports").rglob("*"), *(project / "data" / "processed" / "release").rglob("*")]
    kept = sorted(path for path in files if path.is_file() and path.name not in ("verdict.json", "README.md"))
    return {path.relative_to(project).as_posix(): hashlib.sha256(plain(path)).hexdigest() for path in kept}


def compare(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """One line for each file that is missing, new or different."""
    names = sorted(expected.keys() | found.keys())
    words = {name: "missing" if name not in found else "new" if name not in expected else "changed" for name in names}
    return [f"{words[name]}: {name}" for name in names if expected.get(name) != found.get(name)]


def main() -> None:
    """Make, digest, compare; exit 1 and name the files when one differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="every review of 30 months")
    parser.add_argument("--write", action="store_true", help="write the digests anew")
    parser.add_argument("--keep", type=Path, help="a new folder in which the project stays")
    chosen = parser.parse_args()
    golden = GOLDEN / ("long.json" if chosen.long else "short.json")
    with tempfile.TemporaryDirectory() as folder:
        project = chosen.keep or Path(folder) / "service"
        os.makedirs(project)
        make_reviews(project, chosen.long)
        found = digest(project)
    if chosen.write:
        golden.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"Written: {len(found)} digests.")
        return
    differences = compare(json.loads(golden.read_text(encoding="utf-8")), found)
    print("\n".join(differences) or f"The same: {len(found)} files.")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()

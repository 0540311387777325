"""Where this repository is, for tests that read its files."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "project"
REFERENCE = ROOT / "data" / "reference"
GOLDEN = ROOT / "tests" / "golden"

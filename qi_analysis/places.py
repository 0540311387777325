"""Where things are, from the project's folder down. Nothing else joins paths of the project."""

from dataclasses import dataclass
from pathlib import Path

from qi_analysis.errors import DataProblem, RecordProblem


@dataclass(frozen=True)
class Places:
    """The folders of one project."""

    root: Path

    @property
    def raw(self) -> Path:
        return self.root / "data" / "raw"

    @property
    def has_extract(self) -> bool:
        """Whether data/raw holds anything of its owner's. Raises DataProblem where it is no folder."""
        if self.raw.exists() and not self.raw.is_dir():
            raise DataProblem("data/raw is a file. Make it a folder and put the files of the extract in it.")
        files = self.raw.iterdir() if self.raw.exists() else ()
        return any(not path.name.startswith(".") and path.name != "README.md" for path in files)

    @property
    def processed(self) -> Path:
        return self.root / "data" / "processed"

    @property
    def sample(self) -> Path:
        """The shipped generator's extract, used while data/raw is empty."""
        return self.processed / "sample"

    @property
    def record(self) -> Path:
        return self.root / "project"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    def workshop(self, period_id: str) -> Path:
        """Rows of one review: never shared."""
        return self.processed / period_id

    @property
    def ledger(self) -> Path:
        """Every count that was ever released, with its true value: never shared."""
        return self.processed / "ledger"

    def release(self, period_id: str) -> Path:
        """Protected aggregates of one review: all that its notebook may open."""
        return self.processed / "release" / period_id


def find_places(start: Path | None = None) -> Places:
    """The project that holds the current folder. Raises RecordProblem when there is none."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "project").is_dir() and (folder / "notebooks").is_dir():
            return Places(folder)
    raise RecordProblem("There is no qi_analysis project here: go to the folder that holds project/ and notebooks/.")

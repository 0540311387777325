"""Where the project's folders are, files and folders that appear whole, and one run at a time.

Nothing else joins paths of the project. A file or a folder appears in one rename, flushed to disk before and after, or
not at all. Whatever is being made has a name that begins with a dot and ends in `.building`, so what a killed run left is
known by its name and is cleared away by the next. The lock is one of the operating system, so the lock of a killed run
is gone with it.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from qi_analysis.errors import DataProblem, RecordProblem

PACKAGE = Path(__file__).parent
DEFINITIONS, TEMPLATES = PACKAGE / "definitions", PACKAGE / "templates"
SHIPPED = PACKAGE / "shipped" if (PACKAGE / "shipped").is_dir() else PACKAGE.parent  # in a wheel, else in a checkout
REFERENCE = SHIPPED / "data" / "reference"  # code lists and published figures
BUILDING = ".building"
LOCK = ".lock"
BUSY = "Another run is at work in this project. Wait until it has ended and run again."
UNLOCKED = "The disk of this project has no locks, so two runs at once are not prevented here. Start one at a time."
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)  # as some shares answer


@dataclass(frozen=True)
class Places:
    """The folders of one project."""

    root: Path

    @property
    def raw(self) -> Path:
        """The service's extract; never committed."""
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
        """The workshop: rows and exact figures; never shared."""
        return self.root / "data" / "processed"

    @property
    def sample(self) -> Path:
        """The shipped generator's extract, used while data/raw is empty."""
        return self.processed / "sample"

    @property
    def record(self) -> Path:
        """The team's record and settings."""
        return self.root / "project"

    @property
    def reports(self) -> Path:
        """What was published."""
        return self.root / "reports"

    @property
    def notebooks(self) -> Path:
        """The notebooks of the project."""
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
        if _is_project(folder):
            return Places(folder)
    raise RecordProblem(
        "There is no qi_analysis project here: go to the folder that holds project/ and notebooks/, or name it with "
        "--project FOLDER."
    )


def choose_places(folder: Path | str | None) -> Places:
    """The project in this very folder; for none, or ".", the project that holds the current folder.

    Raises RecordProblem when there is none.
    """
    folder = Path(folder or ".").expanduser()
    if folder == Path():
        return find_places()
    if not _is_project(folder):
        raise RecordProblem(
            f"{folder.name or 'That folder'} is no qi_analysis project: it holds no project/ and notebooks/. Make one "
            "with: qi init FOLDER"
        )
    return Places(folder.resolve())


def _is_project(folder: Path) -> bool:
    return (folder / "project").is_dir() and (folder / "notebooks").is_dir()


def make_project(folder: Path) -> Places:
    """An empty project: settings, notebooks, templates and docs as shipped, and folders for data and reports.

    Raises RecordProblem when the folder is a file or holds anything but hidden files.
    """
    target = folder.resolve()
    if target.exists() and (not target.is_dir() or any(not path.name.startswith(".") for path in target.iterdir())):
        raise RecordProblem(f"{target.name} is there already and not empty. Name a new folder for the project.")
    for name in ("project", "notebooks", "docs"):
        shutil.copytree(SHIPPED / name, target / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name in (".gitignore", "data/raw/README.md", "data/processed/README.md", "reports/README.md"):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SHIPPED / name, target / name)
    return Places(target)


# Writing whole.
def write_whole(path: Path, text: str, encoding: str = "utf-8", line_end: str = "\n") -> None:
    """Replace a file in one step: the old one stays until the new one is whole."""
    aside = path.with_name(f".{path.name}{BUILDING}")
    try:
        with aside.open("w", encoding=encoding, newline=line_end) as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def write_folder(target: Path, mode: int = 0o777) -> Iterator[Path]:
    """An empty folder to fill; it takes the place of `target` if the block ends well, else nothing has changed.

    mode: who may open it, as for mkdir. Raises OSError as the disk does.
    """
    building, old = (target.with_name(f".{target.name}{end}{BUILDING}") for end in ("", ".old"))
    clear([building, old])
    building.mkdir(parents=True, mode=mode)
    try:
        yield building
        sync_files(building)
        if target.exists():
            target.rename(old)
        building.rename(target)
    except BaseException:
        clear([building])
        raise
    sync_folder(target.parent)
    clear([old])


def sync_files(folder: Path) -> None:
    """Flush every file of a folder to disk, then the folder itself."""
    for path in folder.iterdir():
        with path.open("r+b") as handle:
            os.fsync(handle.fileno())
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk, so that a rename outlives a power cut. Windows does so by itself."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def clear(paths: Iterable[Path]) -> None:
    """Take away files and folders that were being made; one that is not there is no error."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def clear_leftovers(folders: Iterable[Path]) -> None:
    """Take away what a killed run was making directly in these folders. Call it only while no run is at work."""
    for folder in folders:
        clear(folder.glob(f".*{BUILDING}"))


# One run at a time.
@contextmanager
def hold_lock(folder: Path) -> Iterator[bool]:
    """Hold the project's lock, a file in `folder`; False where its disk has no locks, and nothing is held.

    Raises DataProblem at once when another run holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+b") as handle:
        try:
            _take(handle)
            is_held = True
        except OSError as refused:
            if refused.errno not in NO_LOCKS:
                raise DataProblem(BUSY) from None
            is_held = False
        yield is_held  # closing the file lets it go


def _take(handle: IO[bytes]) -> None:
    """Take the lock or raise OSError. A forked worker does not inherit it, so it never outlives the run."""
    if os.name == "nt":
        import msvcrt

        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

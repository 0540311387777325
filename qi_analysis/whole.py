"""Writing whole: a file or a folder appears in one rename, flushed to disk before and after, or not at all.

Whatever is being made has a name that begins with a dot and ends in `.building`, so what a killed run left is
known by its name and is cleared away by the next.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

BUILDING = ".building"


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step: the old one stays until the new one is whole."""
    aside = path.with_name(f".{path.name}{BUILDING}")
    try:
        with aside.open("w", encoding="utf-8", newline="\n") as handle:
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

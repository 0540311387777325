"""The published figures as one release, the same for every review: made once, kept in data/processed, found again.

They depend on the shipped reference data, the settings and the code alone, so those name the folder.
"""

import hashlib
import shutil
from collections.abc import Mapping

from qi_analysis.places import Places
from qi_analysis.release import Release, read_release, write_release


def load_published_figures(places: Places, settings: Mapping[str, str]) -> Release:
    """facts["benchmark"] and the tables benchmark_points and benchmark_years, from the folder or made anew.

    settings: the digests of fingerprint.build_settings_digests. Raises RecordProblem for wrong settings.
    """
    name = hashlib.sha256("".join(settings[part] for part in ("code", "record", "reference")).encode()).hexdigest()
    kept = places.processed / "published"
    folder = kept / name[:16]
    if not (folder / "facts.json").exists():
        from qi_analysis.benchmark_release import build_benchmark_release

        shutil.rmtree(kept, ignore_errors=True)
        building = kept / f".{folder.name}.building"
        write_release(building, build_benchmark_release(places.record))
        building.rename(folder)
    return read_release(folder)

"""The published figures as one release, the same for every review: made once, kept in data/processed, found again.

They depend on the shipped reference data, the settings and the code alone, so those name the folder.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from qi_analysis.errors import DataProblem
from qi_analysis.places import Places
from qi_analysis.release import read_release, write_release
from qi_analysis.whole import clear


def find_published_figures(places: Places, settings: Mapping[str, str]) -> Path:
    """The folder of their release, found or made: facts["benchmark"], tables benchmark_points and benchmark_years.

    settings: the digests of fingerprint.build_settings_digests. Raises RecordProblem for wrong settings.
    """
    name = hashlib.sha256("".join(settings[part] for part in ("code", "record", "reference")).encode()).hexdigest()
    kept = places.processed / "published"
    folder = kept / name[:16]
    try:
        read_release(folder)
    except (DataProblem, OSError, ValueError):  # there is none for these settings, or it is damaged
        from qi_analysis.benchmark_release import build_benchmark_release

        clear([kept])
        write_release(folder, build_benchmark_release(places.record))
    return folder

"""The small record in which nothing is wrong, for each test to break."""

from pathlib import Path

import pytest
from plain_record import write_record


@pytest.fixture
def record(tmp_path) -> Path:
    return write_record(tmp_path)

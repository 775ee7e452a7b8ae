"""Where the databases of these tests lie: in memory, where there is such a place, since nothing cuts the power."""

import tempfile
from pathlib import Path

import pytest

from .machines import FAST_DISK


@pytest.fixture
def fast_path(tmp_path):
    if not FAST_DISK.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=FAST_DISK) as directory:
        yield Path(directory)

"""The place for the databases of these tests is that of the exhaustive ones."""

from tests.exhaustive.conftest import fast_path

__all__ = ["fast_path"]

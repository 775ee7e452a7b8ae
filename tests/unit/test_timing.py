"""No test may fail because the machine was slow."""

from hypothesis import settings


def test_no_example_has_a_deadline():
    assert settings().deadline is None

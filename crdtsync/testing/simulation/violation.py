"""The word for what the checks of the simulation find."""


class Violation(Exception):  # noqa: N818 - the word for it
    """Something is not true that must be."""

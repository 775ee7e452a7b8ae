"""A choice that the caller has made: one number that answers several questions, one after another."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Reads a number digit by digit, each in the base that is asked for.

    Zero answers every question with the first possibility, so that smaller numbers are simpler schedules.
    """

    __slots__ = ("_rest",)

    def __init__(self, number: int) -> None:
        self._rest = abs(number)

    def below(self, bound: int) -> int:
        """Return a number from 0 to `bound` - 1."""
        if bound <= 1:
            return 0
        self._rest, digit = divmod(self._rest, bound)
        return digit

    def of(self, possibilities: Sequence[T]) -> T:
        """Return one of the possibilities, of which there is at least one."""
        return possibilities[self.below(len(possibilities))]

    def key_of(self, mapping: Mapping[T, object]) -> T:
        """Return one of the keys, of which there is at least one."""
        return next(islice(mapping, self.below(len(mapping)), None))

"""Rows of the library that are read anew each time they are gone through: none of them is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TypeVar, overload

_Item = TypeVar("_Item", covariant=True)


class Stored(Sequence[_Item]):
    """read: goes through all of them, in order. count: how many they are. What these raise, every
    use of them may raise."""

    def __init__(self, read: Callable[[], Iterator[_Item]], count: Callable[[], int]) -> None:
        self._read, self._count = read, count

    def __iter__(self) -> Iterator[_Item]:
        return self._read()

    def __len__(self) -> int:
        return self._count()

    @overload
    def __getitem__(self, index: int) -> _Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[_Item]: ...
    def __getitem__(self, index: int | slice) -> _Item | Sequence[_Item]:
        """Goes through all that lie before."""
        if isinstance(index, slice):
            return tuple(islice(self._read(), *index.indices(len(self))))
        place = index if index >= 0 else index + len(self)
        for item in islice(self._read(), max(0, place), None):
            if place >= 0:
                return item
        raise IndexError(index)

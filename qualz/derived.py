"""Derived properties: worked out once, and anew only when what they are made of has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

O = TypeVar("O")  # noqa: E741
T = TypeVar("T")


class Derived(Generic[O, T]):
    """What the owner has kept is good for as long as the source equals what it was then. Equal is
    quickly said where the source holds the same objects still."""

    def __init__(self, source: Callable[[O], object], work: Callable[[O], T]) -> None:
        self._source, self._work = source, work
        self.__doc__ = work.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._place = f"_derived_{name}"

    def __get__(self, owner: O, _kind: type[O] | None = None) -> T:
        source = self._source(owner)
        held: dict[str, Any] = owner.__dict__
        kept: tuple[object, T] | None = held.get(self._place)
        if kept is None or kept[0] != source:
            kept = held[self._place] = (source, self._work(owner))
        return kept[1]


def derived_from(source: Callable[[O], object]) -> Callable[[Callable[[O], T]], Derived[O, T]]:
    """Makes a property of a method that reads nothing but this."""
    return lambda work: Derived(source, work)

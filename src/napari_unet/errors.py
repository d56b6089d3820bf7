"""Errors that say what is wrong, where, and what to do about it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NUL = "embedded null"
"""How Python says that a path cannot be one."""


class NapariUNetError(Exception):
    """Anything that a user can cause; its text is one clear sentence for the user."""


@contextmanager
def telling(say: Callable[[str], object]) -> Iterator[None]:
    """Hand the sentence of an error that is `foreseen` to `say`, and go on."""
    try:
        yield
    except Exception as error:
        known = foreseen(error)
        if known is None:
            raise
        say(str(known))


def foreseen(error: BaseException) -> NapariUNetError | None:
    """Return an error as the sentence that it is told in; None for any other.

    A full memory, and what the operating system refuses, can happen to every line.
    """
    if isinstance(error, NapariUNetError):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemoryError.of_arrays(error)
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return InputError(
            f"{error.filename!s:.200} cannot be used ({error.strerror}): check the "
            "path and its permissions."
        )
    if isinstance(error, ValueError) and str(error).startswith(_NUL):
        return InputError(
            "A path holds the character NUL, which no file can have in its name: check "
            "the paths that you gave, those in settings files and recipes too."
        )
    return None


def sentence_of(error: Exception) -> str:
    """Return what to tell of an error; of one that nobody foresaw, its kind too.

    Where that came from is printed.
    """
    known = foreseen(error)
    if known is not None:
        return str(known)
    traceback.print_exception(error)
    return f"{type(error).__name__}: {error}"


@contextmanager
def memory_told() -> Iterator[None]:
    """Raise an `OutOfMemoryError` where the memory does not hold an array."""
    try:
        yield
    except MemoryError as error:
        raise OutOfMemoryError.of_arrays(error) from error


class InputError(NapariUNetError):
    """A file, an array or a setting cannot be used as it is."""


class DoubtfulLabelsError(InputError):
    """Labels do not look like labels of their image; the user may know better."""


class OutputError(NapariUNetError):
    """A result cannot be written where the user wants it."""


class ModelFileError(NapariUNetError):
    """A model file cannot be read, or does not fit the data."""


class UntrustedCodeError(ModelFileError):
    """A model runs code of its own, for which the user has to give leave."""


class OutOfMemoryError(NapariUNetError):
    """The device's memory does not hold what was asked of it."""

    @classmethod
    def of_arrays(cls, error: MemoryError) -> OutOfMemoryError:
        """Return an error for an array that finds no room, as numpy says it."""
        what = f" ({error})" if str(error) else ""
        return cls(
            f"The memory is full{what}: close other programs, or take fewer slices or "
            "a smaller part of the image."
        )


class StoppedError(NapariUNetError):
    """Work was told to end before there was a result."""


class TrainingError(NapariUNetError):
    """Training cannot start or cannot go on."""

"""Sizes and times as the user reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable


def sides(shape: Iterable[int]) -> str:
    """Write a shape as "30 x 512 x 512"."""
    return " x ".join(str(side) for side in shape)


def short_count(count: int) -> str:
    """Write a number with at most four characters, "950", "1.2k" or "37M"."""
    for size, name in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            share = count / size
            return f"{share:.1f}{name}" if share < 9.95 else f"{share:.0f}{name}"
    return str(count)


def counted(count: int, noun: str) -> str:
    """Write how many there are of something.

    >>> counted(1, "slice"), counted(1024, "slice")
    ('1 slice', '1,024 slices')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration(seconds: float) -> str:
    """Write about how long something takes, in one unit.

    >>> duration(0.2), duration(9), duration(240), duration(36_000)
    ('less than 1 s', 'about 9 s', 'about 4 min', 'about 10 h')
    """
    if seconds < 1:
        return "less than 1 s"
    if seconds < 99.5:
        return f"about {seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 99.5:
        return f"about {minutes:.0f} min"
    return f"about {minutes / 60:.0f} h"


def gigabytes(size: float) -> str:
    """Write bytes with two digits, as much as anybody looks at.

    >>> gigabytes(1.44 * 2**30), gigabytes(21.4 * 2**30)
    ('1.4 GB', '21 GB')
    """
    amount = size / 2**30
    return f"{amount:.0f} GB" if amount >= 9.95 else f"{amount:.1f} GB"


def shortened(text: object, most: int = 60) -> str:
    """Write at most so many characters of what a file or a user names.

    >>> shortened("a" * 100, 7)
    'aaa ...'
    """
    words = " ".join(str(text).split())
    return words if len(words) <= most else f"{words[: most - 4]} ..."


def markdown(text: object) -> str:
    """Write a name so that Markdown shows it as it is, in one line."""
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", " ".join(str(text).split()))


def reason(error: Exception) -> str:
    """Return what an error of another library says, in a line that is never empty.

    >>> reason(ValueError("no such   axis"))
    'no such axis'
    >>> reason(EOFError())
    'EOFError'
    """
    return shortened(error, 200) or type(error).__name__


def clock(seconds: float | None) -> str:
    """Write a duration as minutes and seconds, "4:05"; "-:--" where it is unknown."""
    if seconds is None:
        return "-:--"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def time_left(spent: float, share: float) -> str:
    """Return in words the time left of work, `share` of it done after `spent` seconds.

    "" in the first second, and where nothing is done yet.

    >>> time_left(10, 0.25)
    '0:30 left'
    """
    if spent < 1 or share <= 0:
        return ""
    return f"{clock(spent * (1 - share) / share)} left"

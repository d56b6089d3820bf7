"""The deepest way through a network along one axis, layer by layer.

Sizes, halo and receptive field of any network follow from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Step(Protocol):
    """A layer, as far as the sides of images depend on it."""

    @property
    def stride(self) -> int:
        """What a side is divided by."""

    @property
    def factor(self) -> int:
        """What a side grows by."""

    @property
    def lost(self) -> int:
        """Pixels that the output lacks in all."""

    def output(self, size: int) -> int | None:
        """Return the side of the output; None where no input of this side fits."""

    def seen(self, first: int, last: int) -> tuple[int, int]:
        """Return first and last input pixel behind output pixels."""


@dataclass(frozen=True)
class Window:
    """A convolution or pooling.

    Attributes
    ----------
    kernel, stride, dilation
        As of torch's layers.
    padded
        Whether the output is as large as the input, divided by the stride.
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    padded: bool = True

    @property
    def factor(self) -> int:
        """What a side grows by."""
        return 1

    @property
    def span(self) -> int:
        """Input pixels from the first to the last that it sees."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def lost(self) -> int:
        """Pixels that the output lacks in all."""
        return 0 if self.padded else self.span - 1

    @property
    def before(self) -> int:
        """Pixels that a padded image grows by at its lower end."""
        return max(0, self.span - self.stride + 1) // 2

    def output(self, size: int) -> int | None:
        """Return the side of the output; None where no input of this side fits."""
        size -= self.lost
        return None if size <= 0 or size % self.stride else size // self.stride

    def seen(self, first: int, last: int) -> tuple[int, int]:
        """Return first and last input pixel behind output pixels."""
        first = first * self.stride - self.before
        return first, last * self.stride - self.before + self.span - 1


@dataclass(frozen=True)
class Enlargement:
    """An up-convolution, unpooling or interpolation.

    Attributes
    ----------
    factor
        By which sides grow.
    linear
        Whether it looks at a neighbour on either side, as an interpolation does.
    padded
        Whether what would need a neighbour outside of the image is kept.
    """

    factor: int
    linear: bool = False
    padded: bool = True

    @property
    def stride(self) -> int:
        """What a side is divided by."""
        return 1

    @property
    def lost(self) -> int:
        """Pixels that the output lacks in all."""
        return 0 if self.padded else 2 * self._beside

    @property
    def _beside(self) -> int:
        return self.factor // 2 if self.linear and self.factor > 1 else 0

    def output(self, size: int) -> int | None:
        """Return the side of the output; None where no input of this side fits."""
        size = self.factor * size - self.lost
        return size if size > 0 else None

    def seen(self, first: int, last: int) -> tuple[int, int]:
        """Return first and last input pixel behind output pixels."""
        beside = self._beside
        return (first - beside) // self.factor, (last + beside) // self.factor


Path = tuple[Step, ...]

"""The tensors that a network takes and gives, as a package describes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from napari_unet.data.calibration import normal_unit
from napari_unet.errors import InputError
from napari_unet.model.foreign.transforms import (
    AXES,
    Above,
    Clip,
    Linear,
    Moments,
    Numbers,
    Percentiles,
    Sigmoid,
    Softmax,
    Step,
    Whole,
)

Fields: TypeAlias = Mapping[str, Any]
_LETTERS = {"b": "batch", "c": "channel", "z": "z", "y": "y", "x": "x"}
_WIDER = {"t": "time", "i": "index"}
_CASTS = {
    "uint8": Whole((), 0, 255),
    "int8": Whole((), -128, 127),
    "uint16": Whole((), 0, 65535),
    "int16": Whole((), -32768, 32767),
}
_FLOATS = ("float32", "float64")
_MEASURED = ("scale_range", "scale_mean_variance", "zero_mean_unit_variance")


@dataclass(frozen=True)
class Axis:
    """An axis of a tensor.

    Attributes
    ----------
    name
        One of `AXES`.
    least, step
        Pixels of an input: `least`, or any number of `step` more; `step` is 0 where
        only one size is taken.
    lost
        Pixels that an output lacks at either end.
    halo
        Pixels at either end of an output that are not to be used.
    scale, unit
        Size of a pixel.
    names
        Of the channels.
    """

    name: str
    least: int = 1
    step: int = 0
    lost: int = 0
    halo: int = 0
    scale: float = 1.0
    unit: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class TensorDescription:
    """A tensor that a network takes or gives.

    Attributes
    ----------
    name
        Its name.
    axes
        In the order of the network.
    steps
        What is done to it, before the network or after it.
    test
        File and SHA-256 of an example, as .npy; None where there is none.
    """

    name: str
    axes: tuple[Axis, ...]
    steps: tuple[Step, ...] = ()
    test: tuple[str, str | None] | None = None
    about: str = ""

    def axis(self, name: str) -> Axis | None:
        """Return an axis by its name."""
        return next((axis for axis in self.axes if axis.name == name), None)

    @property
    def channels(self) -> int:
        """Number of channels."""
        axis = self.axis("channel")
        return 1 if axis is None else axis.least


@dataclass(frozen=True)
class Reader:
    """Reads the description of tensors of one version of the format.

    Attributes
    ----------
    newer
        Whether it is version 0.5, and not 0.4.
    tests
        Files of examples by the name of the tensor, in version 0.4.
    """

    newer: bool
    tests: Mapping[str, str] = field(default_factory=dict)

    def input(self, data: Fields) -> TensorDescription:
        """Read what a network takes."""
        axes = tuple(self._axes(data))
        steps = self._steps(data.get("preprocessing"), axes)
        return TensorDescription(
            self.name(data, "input"), axes, steps, self._test(data)
        )

    def output(self, data: Fields, given: TensorDescription) -> TensorDescription:
        """Read what a network gives for what it is `given`.

        Raises
        ------
        InputError
            When its pixels are not those of the input.
        """
        axes = tuple(self._axes(data, given))
        found = data.get("postprocessing") or ()
        for step in found:
            name = str(step.get("id", step.get("name")))
            if name in _MEASURED:
                raise InputError(
                    f"Its postprocessing step {name} measures the whole result, which "
                    "is not done here: use the program that the package is for."
                )
        name = self.name(data, "output")
        about = f"{name} {data.get('description', '')}"
        return TensorDescription(
            name, axes, self._steps(found, axes), self._test(data), about
        )

    def name(self, data: Fields, default: str) -> str:
        """Return the name of a tensor."""
        return str(data.get("id" if self.newer else "name", default))

    def _test(self, data: Fields) -> tuple[str, str | None] | None:
        if not self.newer:
            source = self.tests.get(str(data.get("name")))
            return None if source is None else (source, None)
        found = data.get("test_tensor")
        return None if found is None else (str(found["source"]), found.get("sha256"))

    def _axes(
        self, data: Fields, given: TensorDescription | None = None
    ) -> Iterator[Axis]:
        if self.newer:
            for axis in data["axes"]:
                yield _axis_05(axis, given)
            return
        letters = data["axes"]
        shape = data["shape"]
        halo = data.get("halo") or [0] * len(letters)
        for index, letter in enumerate(letters):
            yield _axis_04(letter, shape, index, int(halo[index]), given)

    def _steps(
        self, found: Sequence[Fields] | None, axes: Sequence[Axis]
    ) -> tuple[Step, ...]:
        made = (self._step(one, axes) for one in found or ())
        return tuple(step for step in made if step is not None)

    def _step(self, data: Fields, axes: Sequence[Axis]) -> Step | None:
        """Read a step; None for a cast to floats, which values are anyway."""
        name = str(data.get("id" if self.newer else "name"))
        kwargs: Fields = data.get("kwargs") or {}
        over = self._over(kwargs, axes)
        if kwargs.get("reference_tensor") is not None:
            raise InputError(f"Its step {name} measures another tensor: not done here.")
        if name == "zero_mean_unit_variance" and kwargs.get("mode") == "fixed":
            name = "fixed_zero_mean_unit_variance"
        if name not in _STEPS or not {"min_percentile", "max_percentile"}.isdisjoint(
            kwargs if name == "clip" else ()
        ):
            raise InputError(
                f"Its step {name} ({', '.join(kwargs) or 'without settings'}) is not "
                "done here: use the program that the package is for."
            )
        along = kwargs.get("axis", "channel")
        if along not in ("channel", "c"):
            raise InputError(f"Its step {name} differs along {along}: not done here.")
        return _STEPS[name](kwargs, over)

    def _over(self, kwargs: Fields, axes: Sequence[Axis]) -> tuple[int, ...]:
        """Return the numbers of the axes that a step measures over."""
        if self.newer:
            names = kwargs.get("axes") or [axis.name for axis in axes]
        else:
            letters = kwargs.get("axes") or "czyx"
            names = [_LETTERS[letter] for letter in letters]
            if kwargs.get("mode") == "per_dataset":
                names.append("batch")
        return tuple(sorted({AXES.index("batch" if n == "b" else n) for n in names}))


def _axis_05(data: Fields, given: TensorDescription | None) -> Axis:
    kind = data["type"]
    if kind == "batch":
        return Axis("batch")
    if kind == "channel":
        names = tuple(str(name) for name in data["channel_names"])
        return Axis("channel", len(names), names=names)
    name = str(data.get("id", "x"))
    if kind != "space" or name not in AXES:
        raise InputError(
            f"It has an axis of {kind} ({name}): only z, y and x are known."
        )
    scale, unit = float(data.get("scale", 1)), data.get("unit")
    size, halo = data["size"], int(data.get("halo", 0))
    axis = Axis(name, halo=halo, scale=scale, unit=normal_unit(str(unit or "pixel")))
    if given is not None:
        return _after(axis, given, size)
    if isinstance(size, int):
        return _sized(axis, size, 0)
    if "min" not in size:
        raise InputError(f"The size of its axis {name} depends on another tensor.")
    return _sized(axis, int(size["min"]), int(size["step"]))


def _after(axis: Axis, given: TensorDescription, size: Any) -> Axis:
    """Return an axis of an output whose size follows from that of the input."""
    before = given.axis(axis.name)
    if before is None:
        raise InputError(f"Its output has an axis {axis.name} that its input lacks.")
    if isinstance(size, int):
        if before.step:
            raise InputError(f"Its output has {size} pixels along {axis.name} always.")
        return _lost(axis, before.least - size)
    if not math.isclose(axis.scale, before.scale, rel_tol=1e-6):
        raise InputError(_SCALED)
    return _lost(axis, -int(size.get("offset", 0)))


def _axis_04(
    letter: str, shape: Any, index: int, halo: int, given: TensorDescription | None
) -> Axis:
    if letter not in _LETTERS:
        kind = _WIDER.get(letter, "another kind")
        raise InputError(
            f"It has an axis of {kind} ({letter}): only z, y, x are known."
        )
    name = _LETTERS[letter]
    axis = Axis(name, halo=halo)
    fixed = not isinstance(shape, Mapping)
    if given is None:
        size = shape[index] if fixed else shape["min"][index]
        return _sized(axis, int(size), 0 if fixed else int(shape["step"][index]))
    scale = 0.0 if fixed else float(shape["scale"][index] or 0)
    size = float(shape[index] if fixed else 2 * shape["offset"][index])
    if name == "channel":
        before = given.axis(name)
        more = scale * (1 if before is None else before.least)
        return _sized(axis, round(more + size), 0)
    if name == "batch":
        return axis
    if fixed:
        return _after(axis, given, int(size))
    if not math.isclose(scale, 1):
        raise InputError(_SCALED)
    if given.axis(name) is None:
        raise InputError(f"Its output has an axis {name} that its input lacks.")
    return _lost(axis, -int(size))


_SCALED = (
    "Its output has pixels of another size than its input: such networks (that enlarge "
    "or shrink images) are not predicted with here."
)


def _sized(axis: Axis, least: int, step: int) -> Axis:
    if least < 1 or step < 0:
        raise InputError(f"Its axis {axis.name} has {least} pixels at least: damaged.")
    return Axis(axis.name, least, step, scale=axis.scale, unit=axis.unit)


def _lost(axis: Axis, both: int) -> Axis:
    if both < 0 or both % 2:
        raise InputError(f"Its output has {-both} pixels more along {axis.name}.")
    lost = both // 2
    return Axis(axis.name, lost=lost, halo=axis.halo, scale=axis.scale, unit=axis.unit)


def _cast(kwargs: Fields, _over: tuple[int, ...]) -> Step | None:
    dtype = str(kwargs["dtype"])
    if dtype in _FLOATS:
        return None
    if dtype == "bool":
        return Above((), (0.0,))
    if dtype in _CASTS:
        return _CASTS[dtype]
    raise InputError(f"Its step ensure_dtype makes {dtype} of values: not done here.")


def _numbers(value: Any) -> Numbers:
    return tuple(map(float, value)) if isinstance(value, list) else (float(value),)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _linear(kwargs: Fields, _over: tuple[int, ...]) -> Step:
    gain, offset = kwargs.get("gain", 1.0), kwargs.get("offset", 0.0)
    return Linear((), _numbers(gain), _numbers(offset))


def _fixed(kwargs: Fields, _over: tuple[int, ...]) -> Step:
    mean, std = np.broadcast_arrays(_numbers(kwargs["mean"]), _numbers(kwargs["std"]))
    return Linear((), tuple((1 / std).tolist()), tuple((-mean / std).tolist()))


def _moments(kwargs: Fields, over: tuple[int, ...]) -> Step:
    return Moments(over, float(kwargs.get("eps", 1e-6)))


def _percentiles(kwargs: Fields, over: tuple[int, ...]) -> Step:
    low = float(kwargs.get("min_percentile", 0))
    high = float(kwargs.get("max_percentile", 100))
    return Percentiles(over, float(kwargs.get("eps", 1e-6)), low, high)


def _clip(kwargs: Fields, _over: tuple[int, ...]) -> Step:
    return Clip((), _number(kwargs.get("min")), _number(kwargs.get("max")))


_STEPS: dict[str, Callable[[Fields, tuple[int, ...]], Step | None]] = {
    "binarize": lambda kwargs, _over: Above((), _numbers(kwargs["threshold"])),
    "clip": _clip,
    "ensure_dtype": _cast,
    "fixed_zero_mean_unit_variance": _fixed,
    "scale_linear": _linear,
    "scale_range": _percentiles,
    "sigmoid": lambda _kwargs, _over: Sigmoid(),
    "softmax": lambda _kwargs, _over: Softmax(),
    "zero_mean_unit_variance": _moments,
}

"""What a bioimage.io package says of its model, in versions 0.4 and 0.5."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import UNetConfig
from napari_unet.errors import InputError, ModelFileError
from napari_unet.model.card import ModelCard
from napari_unet.model.footprint import Footprint, Side
from napari_unet.model.foreign.archive import Package
from napari_unet.model.foreign.meaning import Meaning, meaning_of
from napari_unet.model.foreign.tensors import Axis, Reader, TensorDescription
from napari_unet.model.foreign.transforms import AXES, Preprocessing

VALUES = 640
"""Values that a network is taken to hold for each pixel, as a U-Net of 64 channels."""
_HALO = 32
"""Pixels that are cut off where a package does not say how many."""
_LARGEST_EXAMPLE = 2**28


@dataclass(frozen=True, eq=False)
class Description:
    """A package and what it says of its model.

    Attributes
    ----------
    package
        The files.
    version
        Of the format, such as (0, 5).
    input, output
        The tensors that are used.
    notes
        What has to be known of them.
    """

    package: Package
    version: tuple[int, int]
    input: TensorDescription
    output: TensorDescription
    notes: tuple[str, ...]

    @classmethod
    def of(cls, package: Package) -> Description:
        """Read the description of a package.

        Raises
        ------
        ModelFileError
            Naming what a prediction here cannot do.
        """
        data = package.description
        with _said_of(package.path):
            version = _version(data)
            reader = Reader(version == (0, 5), _tests(data))
            names = [reader.name(one, "input") for one in data["inputs"]]
            if len(names) != 1:
                raise InputError(
                    f"Its network takes {len(names)} inputs ({', '.join(names)}): one "
                    "image is predicted here."
                )
            given = reader.input(data["inputs"][0])
            outputs = data["outputs"]
            output = reader.output(outputs[0], given)
            _check_axes(given, output)
            notes: tuple[str, ...] = ()
            if len(outputs) > 1:
                first = (
                    f"the first of its {len(outputs)} outputs ({output.name}) is used"
                )
                notes = (first,)
            return cls(package, version, given, output, notes)

    @property
    def name(self) -> str:
        """Name of the model."""
        return str(self.package.description.get("name", self.package.path.stem))

    @property
    def weights(self) -> Mapping[str, Any]:
        """Weights by their format."""
        found = self.package.description.get("weights")
        return found if isinstance(found, dict) else {}

    @property
    def ndim(self) -> int:
        """2 for single slices, 3 for volumes."""
        z = self.input.axis("z")
        return 2 if z is None or (z.least, z.step) == (1, 0) else 3

    @cached_property
    def meaning(self) -> Meaning:
        """What becomes of the output."""
        with _said_of(self.package.path):
            tags = [str(tag) for tag in self.package.description.get("tags") or ()]
            return meaning_of(self.output, tags, self.example(self.output))

    @cached_property
    def footprint(self) -> Footprint:
        """What fits the network, and what it sees."""
        channels, classes = self.input.channels, len(self.meaning.names)
        z, y, x = (self._side(name) for name in ("z", "y", "x"))
        return Footprint(self.ndim, channels, classes, VALUES, (z, y, x))

    @cached_property
    def card(self) -> ModelCard:
        """What a prediction has to know; the network in it is no U-Net of ours."""
        known = self.footprint
        sides = [self.input.axis(name) or Axis(name) for name in ("z", "y", "x")]
        units = {side.unit for side in sides[-known.ndim :]}
        unit = units.pop() if len(units) == 1 else None
        return ModelCard(
            network=UNetConfig(
                ndim=2 if known.ndim == 2 else 3,
                in_channels=known.in_channels,
                num_classes=known.num_classes,
            ),
            class_names=self.meaning.names,
            normalization=Preprocessing.of(self.input.steps, known.ndim),
            pixel_size=tuple(side.scale for side in sides),
            unit=unit or "pixel",
        )

    def example(self, tensor: TensorDescription) -> NDArray[np.generic] | None:
        """Return the package's example of a tensor as (B, C, Z, Y, X), if it has one.

        Raises
        ------
        ModelFileError
            When the example is not the array that is described.
        """
        if tensor.test is None:
            return None
        source, sha256 = tensor.test
        path = self.package.path
        data = self.package.read(source, sha256)
        if len(data) > _LARGEST_EXAMPLE:
            return None
        try:
            array = np.load(io.BytesIO(data), allow_pickle=False)
            return in_order(array, tensor.axes)
        except (ValueError, EOFError, AttributeError) as error:
            raise ModelFileError(
                f"{path}: the example {source} is no array of the axes described."
            ) from error

    def _side(self, name: str) -> Side:
        """Return what fits along an axis: mirrored at the border, its halo cut off."""
        given, after = self.input.axis(name), self.output.axis(name)
        if given is None or after is None or (name == "z" and self.ndim == 2):
            return Side()
        most = given.least if given.step == 0 else None
        halo = after.halo or (_HALO if most is None else min(_HALO, most // 8))
        margin = after.lost + halo
        if most is not None and 2 * margin >= most:
            raise ModelFileError(
                f"{self.package.path}: of the {most} pixels along {name} that the "
                f"network takes, {margin} at either end are not to be used."
            )
        step = given.step or 1
        return Side(given.least, step, margin=margin, cropped=True, most=most)


def in_order(array: NDArray[Any], axes: tuple[Axis, ...]) -> NDArray[Any]:
    """Bring an array of some axes to (B, C, Z, Y, X).

    Raises
    ------
    ValueError
        When it has another number of axes.
    """
    names = [axis.name for axis in axes]
    if array.ndim != len(names):
        raise ValueError("other axes")
    order = [names.index(name) for name in AXES if name in names]
    missing = [AXES.index(name) for name in AXES if name not in names]
    return np.expand_dims(array.transpose(order), tuple(missing))


@contextmanager
def _said_of(path: Path) -> Iterator[None]:
    """Say of which package something is, and of a damaged one that it is."""
    try:
        yield
    except ModelFileError:
        raise
    except InputError as error:
        raise ModelFileError(f"{path} cannot be used: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ModelFileError(
            f"{path}: the description of the model is damaged ({type(error).__name__}: "
            f"{str(error)[:80]})."
        ) from error


def _version(data: Mapping[str, Any]) -> tuple[int, int]:
    text = str(data.get("format_version", ""))
    found = re.match(r"(\d+)\.(\d+)", text)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version in ((0, 4), (0, 5)):
        return version
    advice = (
        "update napari-unet" if version > (0, 5) else "ask its authors for a new one"
    )
    raise InputError(
        f"It has format version {text[:20] or '(none)'}, and 0.4 and 0.5 are read: "
        f"{advice}."
    )


def _tests(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the examples of version 0.4, which stand in lists of their own."""
    pairs = (("inputs", "test_inputs"), ("outputs", "test_outputs"))
    return {
        str(tensor.get("name")): str(file)
        for tensors, files in pairs
        for tensor, file in zip(data[tensors], data.get(files) or (), strict=False)
    }


def _check_axes(given: TensorDescription, output: TensorDescription) -> None:
    for tensor, what in ((given, "input"), (output, "output")):
        names = [axis.name for axis in tensor.axes]
        if not {"y", "x"} <= set(names) or len(set(names)) != len(names):
            raise InputError(
                f"Its {what} has the axes {', '.join(names)}: an image has y and x."
            )
    if (given.axis("z") is None) != (output.axis("z") is None):
        raise InputError("Its input or its output alone has slices (z).")
    channel = given.axis("channel")
    if channel is not None and channel.step:
        raise InputError("Its network takes any number of channels: not done here.")

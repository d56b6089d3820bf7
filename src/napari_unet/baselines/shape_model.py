"""A statistical shape model: the mean of annotated shapes, and how they vary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.baselines.appearance import Appearance
from napari_unet.baselines.planes import Mask, Plane, side_of
from napari_unet.baselines.thresholds import smooth
from napari_unet.config import BaselineConfig
from napari_unet.errors import InputError

Floats = NDArray[np.float64]

_POINTS = 96
"""Along each side of the frame in which shapes are compared."""
_REACH = 3.0
"""Half of that side, in sizes of the shape."""
_VARIANCE = 0.95
_MODES = 10
_LOOSE = 0.05
"""Least standard deviation of place and size, in sizes."""
_LIMIT = 3.0
_FIRM = 3.0
_EDGE = 0.05
_PRIOR = 1.0
_POSE = 3


class ShapeModel:
    """The shape that annotated slices have in common, fitted to what a slice shows.

    The foreground of a slice is one shape, however many parts it has. Shapes are
    brought to one place and size; the principal components of their signed distance
    maps are the modes (M. E. Leventon, W. E. L. Grimson and O. Faugeras 2000, CVPR,
    316), as those of outlines are in T. F. Cootes et al. 1995, Computer Vision and
    Image Understanding 61:38. Place, size and modes are fitted together, by regions
    (A. Tsai et al. 2003, IEEE Transactions on Medical Imaging 22:137): grey values
    inside shall speak for the foreground, and the shape shall be a likely one, no
    further than three standard deviations from the mean in anything.

    Parameters
    ----------
    config
        Its scale smooths the slices.
    """

    lots = 1

    def __init__(self, config: BaselineConfig) -> None:
        self.config = config
        self.appearance = Appearance()
        steps = np.linspace(-_REACH, _REACH, _POINTS)
        self._frame = np.stack(np.meshgrid(steps, steps, indexing="ij")).reshape(2, -1)
        self._area = (steps[1] - steps[0]) ** 2

    def learn(
        self, lessons: Iterable[tuple[Plane, NDArray[np.uint8]]], count: int
    ) -> Iterator[None]:
        """Learn, with a step after every slice and one for the modes.

        Raises
        ------
        InputError
            When there are not two sides to tell apart, or no slice is annotated as a
            whole.
        """
        poses, maps = [], []
        for plane, classes in lessons:
            self.appearance.add(smooth(plane, self.config.scale), classes)
            sides = side_of(classes)
            if (sides >= 0).all() and len(np.unique(sides)) == 2:
                pose, map_ = self._describe(sides == 1)
                poses.append(pose)
                maps.append(map_)
            yield
        self.appearance.check("the shape model")
        if not maps:
            raise InputError(
                "The shape model needs whole shapes: annotate every pixel of a slice "
                "that shows foreground, or choose another baseline."
            )
        self._find_modes(np.array(poses), np.array(maps))
        yield

    def segment(self, plane: Plane, _classes: NDArray[np.uint8]) -> Mask:
        """Return the shape that fits a slice best; nothing where none fits."""
        fit = self._fit(plane)
        if fit.fun >= 0:
            return np.zeros(plane.shape, bool)
        return self._draw(fit.x, plane.shape)

    def _fit(self, plane: Plane) -> scipy.optimize.OptimizeResult:
        odds = self.appearance.odds(smooth(plane, self.config.scale))
        # Slopes are told by steps that are lost in single precision.
        firm = np.clip(odds, -_FIRM, _FIRM).astype(np.float64)
        bounds = [(-_LIMIT, _LIMIT)] * (_POSE + len(self._modes))
        return scipy.optimize.minimize(
            self._misfit, np.zeros(len(bounds)), (firm,), "L-BFGS-B", bounds=bounds
        )

    def _describe(self, shape: Mask) -> tuple[Floats, Floats]:
        """Return its centre and the logarithm of its size, and its map in the frame.

        The size is the root mean square distance from the centre; the map holds signed
        distances to the outline in sizes, positive inside.
        """
        places = np.argwhere(shape)
        centre = places.mean(axis=0)
        size = max(np.sqrt(np.square(places - centre).sum(axis=1).mean()), 1.0)
        distance = scipy.ndimage.distance_transform_edt
        signed = distance(shape) - distance(~shape)
        there = centre[:, None] + size * self._frame
        seen = scipy.ndimage.map_coordinates(signed, there, order=1, mode="nearest")
        return np.array([*centre, np.log(size)]), seen / size

    def _find_modes(self, poses: Floats, maps: Floats) -> None:
        self._mean_pose, self._mean = poses.mean(axis=0), maps.mean(axis=0)
        size = np.exp(self._mean_pose[2])
        least = _LOOSE * np.array([size, size, 1.0])
        self._pose_spread = np.maximum(poses.std(axis=0), least)
        _, lengths, modes = np.linalg.svd(maps - self._mean, full_matrices=False)
        share = np.cumsum(lengths**2) / max(np.sum(lengths**2), 1e-12)
        kept = min(np.searchsorted(share, _VARIANCE) + 1, _MODES, len(maps) - 1)
        # Each as far as one standard deviation goes.
        self._modes = modes[:kept] * lengths[:kept, None] / np.sqrt(len(maps))

    def _placed(self, fit: Floats) -> tuple[Floats, float, Floats]:
        """Return centre, size and map of a shape given in standard deviations."""
        pose = self._mean_pose + fit[:_POSE] * self._pose_spread
        return pose[:2], float(np.exp(pose[2])), self._mean + fit[_POSE:] @ self._modes

    def _misfit(self, fit: Floats, odds: Floats) -> float:
        centre, size, signed = self._placed(fit)
        there = centre[:, None] + size * self._frame
        seen = scipy.ndimage.map_coordinates(odds, there, order=1)
        inside = scipy.special.expit(signed / _EDGE)
        return float(_PRIOR * (fit @ fit) / 2 - self._area * (seen @ inside))

    def _draw(self, fit: Floats, shape: tuple[int, ...]) -> Mask:
        centre, size, signed = self._placed(fit)
        step = 2 * _REACH / (_POINTS - 1)
        places = np.indices(shape) - centre[:, None, None]
        there = (places / size + _REACH) / step
        square = signed.reshape(_POINTS, _POINTS)
        drawn = scipy.ndimage.map_coordinates(square, there, order=1, cval=-1.0)
        return np.asarray(drawn > 0)

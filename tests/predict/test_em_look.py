"""Electron microscopy of tissue is known by its looks."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import skimage
from scipy import ndimage

from napari_unet.data.read import as_stack, read_stack
from napari_unet.data.stack import Stack
from napari_unet.predict.em_look import looks_like_em
from napari_unet.samples import em_stack

PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "moon", "rocket")


def photograph(name: str) -> Stack:
    image = getattr(skimage.data, name)()
    axes = "YXS"[: image.ndim]
    return Stack(image, axes, (1.0, 1.0), "pixel", name)


def answers(volume: np.ndarray) -> list[bool]:
    """What is said of every 30th slice by itself."""
    return [looks_like_em(as_stack(plane)) for plane in volume[::30]]


@pytest.fixture(scope="module")
def em() -> np.ndarray:
    return np.asarray(em_stack((3, 256, 256))[0].as_zyx())


def test_a_synthetic_stack_looks_like_em(em):
    assert looks_like_em(as_stack(em))
    assert looks_like_em(as_stack(em[0]))


def test_em_with_inverted_contrast_looks_like_em(em):
    assert looks_like_em(as_stack(255 - em))


def test_em_with_filling_around_it_looks_like_em(em):
    assert looks_like_em(as_stack(np.pad(em, ((0, 0), (60, 60), (60, 60)))))


def test_the_info_bar_is_not_looked_at(em):
    bar = np.broadcast_to(np.add(*np.ogrid[:256, :256]), em.shape)
    with_bar = np.concatenate([em, bar], axis=1)
    sizes = (1.0, 1.0, 1.0)
    assert not looks_like_em(Stack(with_bar, "ZYX", sizes, "pixel", "with bar"))
    assert looks_like_em(Stack(with_bar, "ZYX", sizes, "pixel", "", info_bar=256))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_do_not_look_like_em(name):
    assert not looks_like_em(photograph(name))


def test_blobs_on_black_do_not_look_like_em():
    rng = np.random.default_rng(0)
    spots = (rng.random((256, 256)) > 0.999).astype(np.float32)
    nuclei = 100 * ndimage.gaussian_filter(spots, 6) + rng.normal(0, 0.001, spots.shape)
    assert not looks_like_em(as_stack(nuclei))


@pytest.mark.parametrize(
    "odd",
    [
        np.zeros((2, 64, 64)),
        np.full((1, 64, 64), np.nan),
        np.zeros((4, 1, 64, 64)),
        np.zeros((1, 8, 8)),
        np.zeros((2, 64, 64), complex),
    ],
    ids=["constant", "nan", "channels", "tiny", "complex"],
)
def test_what_cannot_be_em_does_not_look_like_it(odd):
    assert not looks_like_em(as_stack(odd))


@pytest.mark.real_data
def test_real_em_looks_like_em_in_all_directions(real_data):
    assert looks_like_em(read_stack(real_data / "isbi2012-train-volume.tif"))
    medulla = np.asarray(read_stack(real_data / "medulla-raw.tif").as_zyx())
    for axis in range(3):
        assert all(answers(np.moveaxis(medulla, axis, 0)))


@pytest.mark.real_data
def test_ct_and_nuclei_do_not_look_like_em(real_data):
    ct = np.asarray(read_stack(real_data / "lung-ct-images.tif").as_zyx())
    assert not any(answers(ct))
    nuclei = sorted((real_data / "dsb2018-nuclei" / "images").glob("*.png"))
    assert nuclei
    assert not any(looks_like_em(read_stack(path)) for path in nuclei)


def test_looking_needs_no_torch():
    code = (
        "import sys, numpy as np\n"
        "from napari_unet.data.read import as_stack\n"
        "from napari_unet.predict.em_look import looks_like_em\n"
        "looks_like_em(as_stack(np.eye(64)))\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Random changes of the grey values of patches."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_unet.config import AugmentConfig


def shade(image: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """Blur patches, change gamma, contrast and brightness, and add noise.

    In the order in which a microscope does it: optics first, detector last.

    Parameters
    ----------
    image
        (B, C, Z, Y, X) float32, mean 0 and standard deviation 1 over the image.
    config
        What may change, and how much.
    generator
        A generator of the CPU: the same seed gives the same changes on all devices.

    Returns
    -------
    The changed patches, in new memory unless nothing changes.
    """
    shape = (len(image), 1, 1, 1, 1)
    if config.blur > 0:
        sigma = config.blur * torch.rand(len(image), generator=generator)
        image = _blurred(image, sigma, math.ceil(3 * config.blur))
    if config.gamma > 0:
        power = (1 + config.gamma) ** uniform(shape, generator)
        image = _with_gamma(image, power.to(image.device))
    gain = 1 + config.contrast * uniform(shape, generator)
    offset = config.brightness * uniform(shape, generator)
    if config.contrast > 0 or config.brightness > 0:
        image = torch.addcmul(offset.to(image.device), image, gain.to(image.device))
    if config.noise > 0:
        strength = config.noise * torch.rand(shape, generator=generator)
        noise = torch.randn(image.shape, generator=generator).mul_(strength)
        image = noise.to(image.device).add_(image)
    return image


def uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Even random numbers from -1 to 1, float32."""
    return 2 * torch.rand(shape, generator=generator) - 1


def _blurred(image: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """Blur each patch in the plane by its own `sigma` (B,), mirrored at its border."""
    radius = min(radius, image.shape[-1] - 1)
    distance = torch.arange(-radius, radius + 1)
    kernel = torch.exp(-0.5 * (distance / sigma[:, None].clamp_min(1e-3)) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True))[:, None, None].to(image.device)
    # A patch is a channel here, so that each has its own kernel.
    planes = image.flatten(1, 2).transpose(0, 1)
    padded = F.pad(planes, (radius,) * 4, mode="reflect")
    blurred = F.conv2d(padded, kernel, groups=len(image))
    blurred = F.conv2d(blurred, kernel.transpose(2, 3), groups=len(image))
    return blurred.transpose(0, 1).reshape(image.shape)


def _with_gamma(image: Tensor, power: Tensor) -> Tensor:
    """Bend the grey values of each channel; its darkest and brightest stay."""
    low = image.amin((2, 3, 4), keepdim=True)
    # Of a patch of one grey value nothing is left to bend.
    extent = (image.amax((2, 3, 4), keepdim=True) - low).clamp_min(1e-6)
    return torch.addcmul(low, ((image - low) / extent).pow_(power), extent)

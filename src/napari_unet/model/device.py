"""The device a network runs on, its precision, and the words for both."""

from __future__ import annotations

import itertools
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import psutil
import torch
from torch import nn
from torch.amp.autocast_mode import autocast

from napari_unet.data.machine_memory import machine_memory
from napari_unet.errors import InputError, OutOfMemoryError
from napari_unet.words import gigabytes

# As torch's allocators of the CPU (Linux, then Windows) and of Apple GPUs say it, and
# the libraries of CUDA, which take memory of their own.
_FULL = ("can't allocate memory", "not enough memory", "out of memory", "_ALLOC_FAILED")


@dataclass(frozen=True)
class Device:
    """A torch device with the precision that is fastest on it.

    Attributes
    ----------
    device
        The device.
    ndim
        Dimensions of the networks that are to run on it.
    precise
        Whether they are to run in float32, whatever is faster.
    library
        What computes there in torch's place, such as "OpenVINO"; or "".
    """

    device: torch.device
    ndim: int = 2
    precise: bool = False
    library: str = ""

    @cached_property
    def bfloat16(self) -> bool:
        """Whether convolutions gain from bfloat16 here; asked of torch, not guessed."""
        if self.precise:
            return False
        if self.device.type == "cuda":
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
        # Seen with torch 2.13: gradients of 3D networks are not the same twice in
        # bfloat16 on the CPU, and often infinite.
        return self.device.type == "cpu" and self.ndim == 2 and _cpu_has_bfloat16()

    @property
    def precision(self) -> str:
        """`bfloat16` (autocast) or `float32`."""
        return "bfloat16" if self.bfloat16 else "float32"

    def autocast(self) -> autocast:
        """Return a context in which the network runs in `precision`.

        Never yield inside it: the state would leak into the caller.
        """
        return autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bfloat16)

    def memory_format(self, ndim: int) -> torch.memory_format:
        """Return the layout in which convolutions are fastest (channels last).

        On an Apple GPU the plain one: up to torch 2.13 the gradients of batch
        normalisation are wrong there in any other, or an error.
        """
        if self.device.type == "mps":
            return torch.contiguous_format
        if ndim == 3:
            return torch.channels_last_3d
        return torch.channels_last

    def place(self, network: nn.Module, ndim: int) -> None:
        """Move a network here, in this layout where all of its tensors can have it."""
        tensors = itertools.chain(network.parameters(), network.buffers())
        # Those of a foreign network can have other dimensions than its images.
        if {tensor.ndim for tensor in tensors} & {4, 5} - {ndim + 2}:
            network.to(self.device)
        else:
            layout = self.memory_format(ndim)
            network.to(self.device, memory_format=layout)  # type: ignore[call-overload]

    @property
    def name(self) -> str:
        """Name of the hardware, such as "NVIDIA H100" or "CPU, 2 threads"."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        if self.device.type == "mps":
            return f"Apple GPU ({platform.processor() or 'Metal'})"
        if self.library:
            return f"CPU ({self.library})"
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'s' if threads > 1 else ''}"

    @property
    def words(self) -> str:
        """One line for the user: hardware and precision."""
        return f"{self.name}, {self.precision}"

    def memory_words(self) -> str:
        """Return what is in use and free now: "1.4 GB in use, 21 GB free".

        Of the GPU what torch has taken, of the CPU what the whole program has.
        """
        used, free = gigabytes(self._used_memory()), gigabytes(self.free_memory())
        return f"{used} in use, {free} free"

    def _used_memory(self) -> int:
        if self.device.type == "cuda":
            # With what torch keeps for later, so that used and free add up.
            return int(torch.cuda.memory_reserved(self.device))
        if self.device.type == "mps":
            return int(torch.mps.driver_allocated_memory())
        return int(psutil.Process().memory_info().rss)

    def free_memory(self) -> int:
        """Return the bytes that are free on the device now."""
        if self.device.type == "cuda":
            return int(torch.cuda.mem_get_info(self.device)[0])
        return machine_memory().available


def choose_device(name: str = "auto", ndim: int = 2) -> Device:
    """Return the device called `name`; `auto` takes CUDA, then MPS, then the CPU.

    `ndim` is that of the network, on which the precision depends.

    Raises
    ------
    InputError
        When there is no such device here, saying why where torch knows.
    """
    if name == "auto":
        return Device(torch.device(_best()), ndim)
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(
            f"There is no device {name!r}: use auto, cpu, cuda, cuda:1 or mps."
        ) from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"CUDA cannot be used: {why_no_cuda()}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise InputError(f"There is no {name}: this machine has {count} CUDA GPU(s).")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise InputError("There is no Apple GPU here: use --device auto or cpu.")
    if device.type not in ("cpu", "cuda", "mps"):
        raise InputError(f"Device {name!r} is not supported: use auto, cpu or cuda.")
    return Device(device, ndim)


def why_no_cuda() -> str:
    """Return one sentence on why CUDA is not used, with what to do about it."""
    if torch.version.cuda is None:
        return (
            f"torch {torch.__version__} was built without CUDA. Install a CUDA build "
            "(README, section CUDA)."
        )
    return (
        f"torch {torch.__version__} is a CUDA {torch.version.cuda} build, but no "
        "NVIDIA GPU with a working driver was found; `nvidia-smi` should list one."
    )


@contextmanager
def memory_errors(advice: str) -> Iterator[None]:
    """Turn torch's out-of-memory error into one sentence that ends with `advice`."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(f"The GPU's memory is full. {advice}") from error
    except RuntimeError as error:
        if any(words in str(error) for words in _FULL):
            raise OutOfMemoryError(f"The memory is full. {advice}") from error
        raise


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"


def _cpu_has_bfloat16() -> bool:
    if os.environ.get("NAPARI_UNET_PRECISION") == "float32":
        return False
    for question in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        ask = getattr(torch.cpu, question, None)
        if ask is not None and ask():
            return True
    return False

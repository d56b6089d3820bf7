"""Training in several processes at once, one for each GPU or node, by `torchrun`.

Every process draws the batch of every step, learns from its own share of it, and has
the same weights after the step as one process would that learnt from all of it.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import Function
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from napari_unet.errors import InputError

T = TypeVar("T")
_PATIENCE = timedelta(hours=6)
"""How long processes wait for the first one, which validates and saves."""


@dataclass(frozen=True)
class Ranks:
    """The processes that train one network together.

    Attributes
    ----------
    rank
        Number of this one, counted from 0.
    count
        How many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that validates, writes and tells."""
        return self.rank == 0

    @property
    def share(self) -> slice:
        """The patches of a batch that this process learns from."""
        return slice(self.rank, None, self.count)

    def same(self, value: T) -> T:
        """Return what the first process calls with; all of them have to call."""
        if self.count == 1:
            return value
        held = [value]
        dist.broadcast_object_list(held)
        return held[0]

    def total(self, value: Tensor) -> Tensor:
        """Return the sum over all processes, with its gradient."""
        if self.count == 1:
            return value
        return _total(value)

    def share_norms(self, network: nn.Module, device: torch.device) -> None:
        """Let batch normalisation measure the patches of all processes."""
        if self.count == 1:
            return
        kind = _SharedNorm if device.type == "cpu" else nn.SyncBatchNorm
        for parent in [*network.modules()]:
            for name, norm in [*parent.named_children()]:
                if isinstance(norm, nn.BatchNorm2d | nn.BatchNorm3d):
                    shared = kind(norm.num_features, norm.eps, norm.momentum)
                    shared.load_state_dict(norm.state_dict())
                    setattr(parent, name, shared)

    def parallel(self, network: nn.Module) -> nn.Module:
        """Return what runs a network so that its gradients are those of all."""
        if self.count == 1:
            return network
        return DistributedDataParallel(network)


def ranks() -> Ranks:
    """Return the processes that were `joined`, or this one alone."""
    if dist.is_available() and dist.is_initialized():
        return Ranks(dist.get_rank(), dist.get_world_size())
    return Ranks()


@contextmanager
def joined(device: str, batch_size: int) -> Iterator[Ranks]:
    """Join the other processes that `torchrun` started, as long as the block lasts.

    The networks that learnt in it must be let go of before it ends.

    Parameters
    ----------
    device
        As `choose_device` takes it; of several GPUs each process takes its own.
    batch_size
        Patches of a step, of all processes together.

    Raises
    ------
    InputError
        When there are more processes than GPUs or patches, or one GPU is named.
    """
    # Scripts of clusters set a number of processes that no `torchrun` started.
    torchrun = "LOCAL_RANK" in os.environ
    count = int(os.environ.get("WORLD_SIZE", "1")) if torchrun else 1
    if count == 1:
        yield ranks()
        return
    if batch_size < count:
        raise InputError(
            f"{count} processes cannot share {batch_size} patches: give each at least "
            f"one, as by --batch-size {4 * count}."
        )
    gpus, local = torch.cuda.device_count(), int(os.environ["LOCAL_RANK"])
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(
            f"Every process takes a GPU of its own, and not {device}: give --device "
            "cuda or cpu."
        )
    if gpus and device != "cpu":
        if local >= gpus:
            raise InputError(
                f"There are more processes than GPUs, of which this machine has {gpus}:"
                f" start torchrun with --nproc-per-node {gpus}, or give --device cpu."
            )
        torch.cuda.set_device(local)
    # Its functions would keep the group of the processes for ever, as their default,
    # were they imported while there is one, as `DistributedDataParallel` does.
    import_module("torch.distributed.nn.functional")
    backend = "cpu:gloo,cuda:nccl" if gpus else "gloo"
    dist.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield ranks()
    finally:
        # Threads of a group that something holds live on, and one that lets go of a
        # tensor while Python ends aborts the process. Networks hold it in circles.
        gc.collect()
        dist.destroy_process_group()


class _Total(Function):
    """Sum over all processes, of values and of gradients."""

    @staticmethod
    def forward(_context: Any, value: Tensor) -> Tensor:
        summed = value.clone()
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        return _total(gradient)


def _total(value: Tensor) -> Tensor:
    summed: Tensor = _Total.apply(value)  # type: ignore[no-untyped-call]
    return summed


class _SharedNorm(_BatchNorm):
    """Batch normalisation over the patches of all processes, on the CPU.

    torch's own, `SyncBatchNorm`, knows GPUs alone.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C, [Z,] Y, X)."""
        if not self.training:
            return super().forward(input)
        axes, values = [0, *range(2, input.ndim)], input.float()
        powers = values, values.square()
        sums = [each.sum(axes, dtype=torch.float64) for each in powers]
        number = torch.full_like(sums[0], values[:, 0].numel())
        total, squares, number = _total(torch.stack([*sums, number]))
        mean = total / number
        variance = squares / number - mean.square()
        with torch.no_grad():
            unbiased = variance * number / (number - 1)
            for name, new in (("running_mean", mean), ("running_var", unbiased)):
                running: Tensor = getattr(self, name)
                running.lerp_(new.to(running.dtype), self.momentum or 0)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        scale = self.weight * (variance + self.eps).rsqrt()
        shift = self.bias - mean * scale
        shape = (1, -1, *[1] * (input.ndim - 2))
        scale, shift = (each.float().view(shape) for each in (scale, shift))
        normalised: Tensor = (values * scale + shift).to(input.dtype)
        return normalised

    def _check_input_dim(self, input: Tensor) -> None:
        """Take networks of 2 and of 3 dimensions."""

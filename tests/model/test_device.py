"""Devices are chosen by name, and what is not there is said in a sentence."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from napari_unet.errors import InputError, OutOfMemoryError
from napari_unet.model.device import Device, choose_device, memory_errors, why_no_cuda

no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA works here")


def test_auto_takes_the_fastest_that_works():
    device = choose_device()
    assert device == choose_device("auto")
    assert torch.ones(3, device=device.device).sum().item() == 3


def test_the_cpu_can_be_chosen_and_describes_itself():
    device = choose_device("cpu")
    assert device.device.type == "cpu"
    threads = torch.get_num_threads()
    plural = "s" if threads > 1 else ""
    assert device.words == f"CPU, {threads} thread{plural}, {device.precision}"
    assert device.free_memory() > 0


@pytest.mark.parametrize("name", ["", "gpu", "warp", "cuda:x", "cpu cuda"])
def test_a_name_without_a_device_lists_the_names(name):
    with pytest.raises(InputError, match="use auto, cpu, cuda, cuda:1 or mps"):
        choose_device(name)


@pytest.mark.parametrize("name", ["meta", "xpu", "vulkan"])
def test_a_device_of_torch_that_is_not_ours_is_refused(name):
    with pytest.raises(InputError, match="not supported"):
        choose_device(name)


@no_cuda
@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7"])
def test_without_cuda_the_reason_and_the_remedy_are_said(name):
    with pytest.raises(InputError, match="CUDA cannot be used") as error:
        choose_device(name)
    assert why_no_cuda() in str(error.value)
    wanted = "Install a CUDA build" if torch.version.cuda is None else "nvidia-smi"
    assert wanted in why_no_cuda()


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="there is an Apple GPU")
def test_without_an_apple_gpu_that_is_said():
    with pytest.raises(InputError, match="no Apple GPU"):
        choose_device("mps")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
def test_a_gpu_that_is_one_too_many_is_counted():
    count = torch.cuda.device_count()
    with pytest.raises(InputError, match=f"has {count} CUDA GPU"):
        choose_device(f"cuda:{count}")


def test_float32_can_be_asked_for(monkeypatch):
    monkeypatch.setenv("NAPARI_UNET_PRECISION", "float32")
    device = choose_device("cpu")
    assert device.precision == "float32"
    with device.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_autocast_runs_in_the_precision_that_is_told():
    device = choose_device("cpu")
    with device.autocast():
        dtype = (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    assert str(dtype) == f"torch.{device.precision}"
    assert not torch.is_autocast_enabled("cpu")


def test_an_apple_gpu_computes_in_float32():
    assert Device(torch.device("mps")).precision == "float32"


@pytest.mark.parametrize("ndim", [2, 3])
def test_an_apple_gpu_has_the_layout_in_which_it_normalises_batches_rightly(ndim):
    layout = Device(torch.device("mps")).memory_format(ndim)
    assert layout is torch.contiguous_format


@pytest.mark.parametrize(("ndim", "dims"), [(2, 4), (3, 5)])
def test_the_layout_fits_the_dimensions(ndim, dims):
    tensor = torch.zeros([2] * dims)
    layout = choose_device("cpu").memory_format(ndim)
    assert tensor.to(memory_format=layout).is_contiguous(memory_format=layout)


def test_a_network_gets_the_layout_where_all_its_tensors_can_have_it():
    device = choose_device("cpu")
    conv = torch.nn.Conv3d(2, 2, 3)
    device.place(conv, 3)
    layout = device.memory_format(3)
    assert conv.weight.is_contiguous(memory_format=layout)
    # As of a package whose network scales its channels.
    conv.scale = torch.nn.Parameter(torch.ones(2, 1, 1, 1))
    device.place(conv, 3)
    device.place(conv, 2)


# -------------------------------------------------------------------------- memory


def test_memory_that_the_cpu_really_refuses_is_one_sentence():
    with (
        pytest.raises(OutOfMemoryError, match=r"memory is full\. Lower it\."),
        memory_errors("Lower it."),
    ):
        torch.empty(2**60, dtype=torch.uint8)


def test_a_full_gpu_is_one_sentence():
    with (
        pytest.raises(OutOfMemoryError, match=r"GPU's memory is full\. Lower it\."),
        memory_errors("Lower it."),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


@pytest.mark.parametrize(
    "words",
    [
        "MPS backend out of memory (MPS allocated: 8 GB)",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_a_full_gpu_of_any_kind_is_one_sentence(words):
    with (
        pytest.raises(OutOfMemoryError, match="full"),
        memory_errors("Lower it."),
    ):
        raise RuntimeError(words)


@pytest.mark.parametrize("error", [ValueError, RuntimeError, KeyError, InputError])
def test_other_errors_pass_as_they_are(error):
    with pytest.raises(error, match="something else"), memory_errors("Lower it."):
        raise error("something else")


def test_the_memory_in_use_and_free_is_told_in_words():
    words = choose_device("cpu").memory_words()
    assert re.fullmatch(r"\d+(\.\d)? GB in use, \d+(\.\d)? GB free", words)


def test_memory_that_is_taken_shows_up():
    device = choose_device("cpu")
    before = float(device.memory_words().split()[0])
    taken = np.ones(2**28, np.uint8)
    after = float(device.memory_words().split()[0])
    assert after - before == pytest.approx(taken.nbytes / 2**30, abs=0.2)

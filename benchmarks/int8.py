"""Predict held-out slices of ISBI 2012 in int8, and print JSON lines.

    pip install nncf
    python benchmarks/int8.py --data FOLDER --model em-membranes

NNCF (Apache-2.0) quantises what OpenVINO compiles, by slices 0-23. Scored are slices
24-29, objects as the model makes them and the mask alone, beside those in float32 and
bfloat16; and the processor's seconds of one slice, in turns. FOLDER holds
isbi2012-train-volume.tif and isbi2012-train-labels.tif.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from command_line import add_data
from isbi import scores
from numpy.typing import NDArray
from prediction import in_turns

from napari_unet.data.annotation import separate
from napari_unet.data.read import read_stack
from napari_unet.model.compiled import CompiledNetwork
from napari_unet.model.device import choose_device
from napari_unet.model.loading import open_package
from napari_unet.model.networks.segmentation_network import SegmentationNetwork
from napari_unet.predict.finishing import settle
from napari_unet.predict.postprocessing import classify, postprocess
from napari_unet.starters.model_file import model_file

Answer = Callable[[torch.Tensor], torch.Tensor]


def quantised(
    network: SegmentationNetwork, images: list[torch.Tensor], careful: bool
) -> CompiledNetwork:
    """Return a network compiled in int8, `careful` with its first and last layers."""
    compiled = CompiledNetwork(network, bfloat16=True)
    # Only now, since it imports OpenVINO.
    import nncf

    compiled._graph.reshape(list(images[0].shape))
    names = [
        node.get_friendly_name()
        for node in compiled._graph.get_ordered_ops()
        if node.get_type_name() == "Convolution"
    ]
    compiled._graph = nncf.quantize(
        compiled._graph,
        nncf.Dataset([image.numpy() for image in images]),
        subset_size=len(images),
        preset=nncf.QuantizationPreset.MIXED,
        fast_bias_correction=not careful,
        ignored_scope=nncf.IgnoredScope(names=[names[0], *names[-3:]])
        if careful
        else None,
    )
    return compiled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--model", default="em-membranes")
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    given, device = open_package(model_file(options.model)), choose_device("cpu")
    network, card = cast(SegmentationNetwork, given.network.eval()), given.card
    network.to(memory_format=torch.channels_last)
    stack = read_stack(options.data / "isbi2012-train-volume.tif").as_czyx()
    labels = read_stack(options.data / "isbi2012-train-labels.tif").as_zyx()
    truth = np.asarray(labels)[24:30] > 0
    normal = torch.from_numpy(card.normalization(np.asarray(stack)))
    slices = [normal[None, :, z].contiguous() for z in range(30)]

    def by_torch(image: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode(), device.autocast():
            return network.probabilities(
                image.contiguous(memory_format=torch.channels_last)
            )

    def exactly(image: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return network.probabilities(image)

    learning = slices[0:24:4]
    answers: dict[str, Answer] = {
        "torch, float32": exactly,
        f"torch, {device.precision}": by_torch,
        "OpenVINO": CompiledNetwork(network, bfloat16=device.bfloat16).probabilities,
        "int8": quantised(network, learning, careful=False).probabilities,
        "int8, first and last layers not": quantised(
            network, learning, careful=True
        ).probabilities,
    }
    finish = settle(None, card, (6, 512, 512)).finish
    threshold = card.threshold or 0.5

    def measured(answer: Answer) -> NDArray[np.float32]:
        return np.stack([answer(one)[0].numpy() for one in slices[24:]], axis=1)

    exact = measured(exactly)
    for name, answer in answers.items():
        found = measured(answer)
        objects = postprocess(
            classify(found, threshold),
            finish,
            probabilities=found,
            threshold=threshold,
            ndim=2,
        )
        parts = separate(np.asarray(objects, np.int32), ndim=2) > 0
        row = {"figure": name, **scores(parts, truth)}
        row["mask"] = scores(found[1] > threshold, truth)
        row["mean difference"] = float(f"{np.abs(found - exact).mean():.2g}")
        print(json.dumps(row), flush=True)
    tasks = {
        name: lambda answer=answer: answer(slices[24])
        for name, answer in answers.items()
    }
    for name, seconds in in_turns(options.runs, time.process_time, **tasks).items():
        row = {"figure": f"one slice by {name}", "value": round(seconds, 4)}
        print(json.dumps({**row, "unit": "processor s"}), flush=True)


if __name__ == "__main__":
    main()

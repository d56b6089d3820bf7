"""Names of the files in a package of a model, and how they are hashed."""

from __future__ import annotations

import hashlib

from napari_unet.model.foreign.own import CARD
from napari_unet.model.foreign.own import WEIGHTS as STATE_DICT

__all__ = ["CARD", "STATE_DICT"]

DESCRIPTION = "rdf.yaml"
"""What other programs read first."""
README = "README.md"
COVER = "cover.png"
ARCHITECTURE = "unet.py"
TORCHSCRIPT = "weights_torchscript.pt"
ONNX = "weights.onnx"
FORMATS = {
    STATE_DICT: "pytorch_state_dict",
    TORCHSCRIPT: "torchscript",
    ONNX: "onnx",
}
"""What bioimage.io calls the weights in a file."""
TEST_INPUT = "test_input.npy"
TEST_OUTPUT = "test_output.npy"


def sha256(data: bytes) -> str:
    """Return the hash of a file's content in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()

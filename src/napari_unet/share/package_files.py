"""Names of the files in a package of a model, and how they are hashed."""

from __future__ import annotations

import hashlib

DESCRIPTION = "rdf.yaml"
"""What other programs read first."""
CARD = "napari_unet.json"
"""The card of the model, with which it comes back exactly."""
README = "README.md"
COVER = "cover.png"
ARCHITECTURE = "unet.py"
STATE_DICT = "weights.pt"
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

"""Names of the files in a package of a model, and how they are hashed."""

from __future__ import annotations

import hashlib

from napari_unet.model.foreign import own

DESCRIPTION = "rdf.yaml"
"""What other programs read first."""
CARD, STATE_DICT = own.CARD, own.WEIGHTS
"""With which the model comes back exactly."""
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

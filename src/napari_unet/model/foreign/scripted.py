"""Whether a TorchScript archive does anything but compute."""

from __future__ import annotations

import io
import re
import zipfile

from napari_unet.errors import ModelFileError
from napari_unet.model.foreign.archive import DAMAGED

# Operations that name files, and namespaces of operations that compute nothing but
# numbers. TorchScript's own are written `torch.name`, all others `ops.space.name`.
_FILES = re.compile(r"\b(from_file|save|load)\s*\(")
_SPACES = re.compile(r"\bops\.(\w+)\.(\w+)")
_COMPUTING = frozenset({"aten", "prim", "prims", "quantized"})
_CLASSES = re.compile(r"\b__torch__\.torch\.classes\.(\w+)")


def what_else(archive: bytes, name: str) -> str:
    """Return what a TorchScript archive does besides computing; "" where nothing.

    TorchScript is a small language of its own and runs no Python. It can, though, open
    files for writing (`torch.from_file`) and call whatever other libraries add, as soon
    as it is loaded. The archive holds its program as text, which is read here.

    Raises
    ------
    ModelFileError
        When it is no TorchScript archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            names = files.namelist()
            texts = [n for n in names if n.endswith(".py")]
            code = "\n".join(files.read(n).decode("utf-8", "replace") for n in texts)
    except (*DAMAGED, OSError) as error:
        raise ModelFileError(f"{name} is no TorchScript archive.") from error
    if not any("/code/" in one for one in texts):
        raise ModelFileError(f"{name} is no TorchScript archive: it holds no code.")
    if len(set(names)) < len(names):
        return "it holds two files of one name"
    files_named = _FILES.search(code)
    if files_named:
        return f"it names files ({files_named[1]})"
    for space, operation in _SPACES.findall(code):
        if space not in _COMPUTING:
            return f"it calls {space}.{operation}"
    classes = _CLASSES.search(code)
    return f"it uses {classes[1]}" if classes else ""

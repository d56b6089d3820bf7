"""A model written so that other programs open it."""

from __future__ import annotations

import copy
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import yaml

from napari_unet.config import ExportConfig
from napari_unet.data.files import atomic_write
from napari_unet.errors import InputError
from napari_unet.model.card import KEY
from napari_unet.model.checkpoint import Model, load_model
from napari_unet.share import package_files as names
from napari_unet.share.example import Example, as_npy, cover, example
from napari_unet.share.rdf import describe, shared_axes, smallest_sides
from napari_unet.share.readme import readme
from napari_unet.share.weight_files import (
    NO_ONNX,
    has_onnx,
    onnx_file,
    run_onnx,
    run_state_dict,
    run_torchscript,
    standalone,
    state_dict_file,
    torchscript_file,
)
from napari_unet.starters.model_file import model_file

_FORMATS = {".zip": "bioimageio", ".pt": "torchscript", ".onnx": "onnx"}
# Weights are noise to a packer.
_STORED = (names.STATE_DICT, names.TORCHSCRIPT, names.ONNX, names.COVER)


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    differences
        Of every format of the weights, read back: the largest difference between its
        probabilities of an example and those of the model.
    moments
        The largest difference that the plain mean and standard deviation make, which
        other programs take, where the model's own leave something out.
    notes
        What else the user should know, in sentences.
    """

    differences: Mapping[str, float]
    moments: float
    notes: tuple[str, ...] = ()


def export_model(
    model: Model | str | Path,
    path: str | Path,
    config: ExportConfig | None = None,
    file_format: str | None = None,
) -> Exported:
    """Write a model so that programs without napari-unet can use it.

    Parameters
    ----------
    model
        A model file, the name of a starter network, or what `load_model` returns.
    path
        File to write: a package of bioimage.io (`.zip`), or the network alone as
        TorchScript (`.pt`) or ONNX (`.onnx`), which then is to be given images of mean
        0 and standard deviation 1.
    config
        Name, authors, licence and citations; only a package states them.
    file_format
        bioimageio, torchscript or onnx; the end of `path` tells when left out.

    Raises
    ------
    ModelFileError
        As `load_model`.
    InputError
        When `path` ends otherwise than its format, or a package for ONNX is missing.
    OutputError
        When the file cannot be written; an older one of that name stays whole.
    """
    path, config = Path(path), config or ExportConfig()
    file_format = _format(path, file_format)
    if isinstance(model, str | Path):
        model = load_model(model_file(model))
    model = Model(copy.deepcopy(model.network).cpu().float().eval(), model.card)
    shared = ["zyx".index(axis) - 3 for axis in shared_axes(model.card)]
    shown = example(model, smallest_sides(model.network.config), shared)
    files = _weight_files(model, shown, file_format)
    differences = _differences(model, files, shown)
    notes: tuple[str, ...] = ()
    if file_format == "bioimageio":
        notes = () if has_onnx() else (f"Without ONNX: {NO_ONNX}",)
        data = _packed(_package(model, config, files, shown))
    else:
        (data,) = files.values()
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)
    return Exported(differences, shown.moments, notes)


def was_exported(path: Path) -> bool:
    """Return whether a file is a model that `export_model` wrote.

    Raises
    ------
    OSError
        When it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            held = archive.namelist()
    except zipfile.BadZipFile:
        return path.suffix.lower() == ".onnx" and KEY.encode() in path.read_bytes()
    return any(name in (names.CARD, KEY) for name in (Path(one).name for one in held))


def _format(path: Path, given: str | None) -> str:
    """Return the format, which the end of the name and what is given agree on."""
    if given not in (None, *_FORMATS.values()):
        raise InputError(
            f"There is no format {given!r}: use {', '.join(_FORMATS.values())}."
        )
    found = _FORMATS.get(path.suffix.lower())
    if found is None or given not in (None, found):
        ends = [end for end, kind in _FORMATS.items() if given in (None, kind)]
        raise InputError(f"{path}: end the name of the file in {' or '.join(ends)}.")
    return found


def _weight_files(model: Model, shown: Example, file_format: str) -> dict[str, bytes]:
    """Return the formats of the weights, by the name of their file."""
    network, card = standalone(model), model.card.model_dump_json(by_alias=True)
    files, package = {}, file_format == "bioimageio"
    if package:
        files[names.STATE_DICT] = state_dict_file(model.network)
    if package or file_format == "torchscript":
        files[names.TORCHSCRIPT] = torchscript_file(network, shown.normalised, card)
    if file_format == "onnx" or (package and has_onnx()):
        files[names.ONNX] = onnx_file(network, shown.normalised, card)
    return files


def _differences(
    model: Model, files: Mapping[str, bytes], shown: Example
) -> dict[str, float]:
    found, architecture = {}, model.network.architecture
    for name, data in files.items():
        if name == names.STATE_DICT:
            if architecture is None:
                continue
            answer = run_state_dict(data, architecture, shown.normalised)
        elif name == names.TORCHSCRIPT:
            answer = run_torchscript(data, shown.normalised)
        else:
            answer = run_onnx(data, shown.normalised)
        found[names.FORMATS[name]] = float(np.abs(answer - shown.answer).max())
    return found


def _package(
    model: Model, config: ExportConfig, weights: Mapping[str, bytes], shown: Example
) -> dict[str, bytes]:
    """Return the content of every file of a package, by its name."""
    architecture, files = model.network.architecture, {**weights}
    if architecture is not None:
        files[names.ARCHITECTURE] = architecture.source()
    files |= {
        names.CARD: model.card.model_dump_json(by_alias=True, indent=1).encode(),
        names.TEST_INPUT: as_npy(shown.image),
        names.TEST_OUTPUT: as_npy(shown.answer),
        names.COVER: cover(shown),
    }
    described = describe(model.card, config, files, torch.__version__, architecture)
    files[names.README] = readme(model.card, described, shown.moments).encode()
    text = yaml.safe_dump(described, sort_keys=False, allow_unicode=True)
    return {names.DESCRIPTION: text.encode(), **files}


def _packed(files: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            kind = zipfile.ZIP_STORED if name in _STORED else zipfile.ZIP_DEFLATED
            archive.writestr(name, data, kind)
    return file.getvalue()

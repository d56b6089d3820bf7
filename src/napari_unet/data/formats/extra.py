"""Libraries of the extras, which an installation may lack."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from napari_unet.errors import InputError


def library(name: str, what: str, extra: str = "formats") -> Any:
    """Import a library of an extra.

    Parameters
    ----------
    name
        What is imported, such as "h5py".
    what
        What is read through it, in words to the user, such as "HDF5 files".
    extra
        What brings it.

    Raises
    ------
    InputError
        When it is not installed: one sentence that says what to install.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise InputError(
            f"{what} are read through {name}, which is missing here: install it by pip "
            f'install "napari-unet-em[{extra}]", and start anew.'
        ) from error

"""Libraries of the extra "formats", which an installation may lack."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from napari_unet.errors import InputError


def library(name: str, what: str) -> Any:
    """Import a library of the extra.

    Parameters
    ----------
    name
        What is imported, such as "h5py".
    what
        What is read through it, in words to the user, such as "HDF5 files".

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
            'install "napari-unet-em[formats]", and start anew.'
        ) from error

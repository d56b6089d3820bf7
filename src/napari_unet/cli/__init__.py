"""The command line: `napari-unet`."""

from __future__ import annotations

import sys

from napari_unet.cli.app import app
from napari_unet.cli.show import complain
from napari_unet.errors import NapariUNetError
from napari_unet.model.openmp import wait_briefly

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; an error of the user is one line and exit code 1."""
    debug = "--debug" in sys.argv
    wait_briefly()
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        app(arguments)
    except NapariUNetError as error:
        if debug:
            raise
        complain(str(error))
        sys.exit(1)

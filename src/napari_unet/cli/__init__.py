"""The command line: `napari-unet`."""

from __future__ import annotations

import sys

from napari_unet.cli.app import app
from napari_unet.cli.show import complain, spell_out
from napari_unet.errors import NapariUNetError, OutOfMemoryError
from napari_unet.model.openmp import wait_briefly

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; an error of the user is one line and exit code 1."""
    debug = "--debug" in sys.argv
    wait_briefly()
    spell_out(sys.stdout)
    # Words that are handed over would keep a `*`, which Windows' shell leaves to us.
    sys.argv = [word for word in sys.argv if word != "--debug"]
    try:
        app()
    except (NapariUNetError, MemoryError) as error:
        if debug:
            raise
        if isinstance(error, MemoryError):
            error = OutOfMemoryError.of_arrays(error)
        complain(str(error))
        sys.exit(1)

"""A command from its words to its exit code."""

from __future__ import annotations

import sys

from napari_unet.cli.app import app
from napari_unet.cli.show import complain, spell_out
from napari_unet.errors import NapariUNetError, foreseen
from napari_unet.model.openmp import wait_briefly


def run() -> None:
    """Run the command line; an error of the user is one line and exit code 1."""
    debug = "--debug" in sys.argv
    wait_briefly()
    spell_out(sys.stdout)
    # Words that are handed over would keep a `*`, which Windows' shell leaves to us.
    sys.argv = [word for word in sys.argv if word != "--debug"]
    try:
        app()
    except (NapariUNetError, MemoryError, OSError, ValueError) as error:
        known = foreseen(error)
        if debug or known is None:
            raise
        complain(str(known))
        sys.exit(1)

"""The command line: `napari-unet`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; an error of the user is one line and exit code 1."""
    try:
        # Loaded here, so that Ctrl+C ends it in peace from the first moment on.
        from napari_unet.cli.command_line import run

        run()
    except KeyboardInterrupt:
        sys.exit(130)

"""What the benchmarks on real stacks share: their data, and `napari-unet` itself."""

import argparse
import os
import subprocess
import sys
from pathlib import Path


def run(*arguments: object) -> None:
    """Run a command; what it prints goes to stderr, so that stdout is the result."""
    command = [sys.executable, "-m", "napari_unet", *map(str, arguments)]
    code = subprocess.run(command, check=False, stdout=sys.stderr).returncode
    if code:
        sys.exit(code)  # It has said why.


def add_data(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add the option `--data`, the folder of the real stacks."""
    default = os.environ.get("NAPARI_UNET_TEST_DATA")
    parser.add_argument(
        "--data",
        type=Path,
        default=default,
        required=required and default is None,
        help="the folder of the real stacks (default: NAPARI_UNET_TEST_DATA)",
    )

"""Files that were damaged at random are read, or refused in one sentence.

Each seed damages small files of our own in its way. A short run belongs to the tests;
`python tests/data/test_mutations.py 10000` is a long one, from seed 0 on.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_unet.config import ImageConfig, RunConfig
from napari_unet.data.read import read_stack
from napari_unet.data.regions import read_regions
from napari_unet.errors import NapariUNetError

_SEEDS = 60


def sources(folder: Path) -> list[Path]:
    """Write one small file of each kind."""
    volume = np.arange(3 * 12 * 14, dtype=np.uint16).reshape(3, 12, 14)
    written = []
    for number, options in enumerate(
        [
            {},
            {"imagej": True},
            {"compression": "zlib"},
            {"ome": True},
            {"bigtiff": True},
        ]
    ):
        path = folder / f"source{number}.tif"
        tifffile.imwrite(path, volume, **options)
        written.append(path)
    settings = folder / "source.yaml"
    config = RunConfig(
        images=(ImageConfig(image="a.tif", labels="b.tif", train="0:3"),)
    )
    settings.write_text(config.to_yaml(), encoding="utf-8")
    return [*written, settings]


def damaged(data: bytes, seed: int) -> bytes:
    """Change, cut out, double or cut off bytes, as a seed has it."""
    rng = np.random.default_rng(seed)
    changed = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        place, length = rng.integers(len(changed)), rng.integers(1, 9)
        way = rng.integers(4)
        if way == 0:
            changed[place] = rng.integers(256)
        elif way == 1 and len(changed) > 16:
            del changed[place : place + length]
        elif way == 2:
            changed[place:place] = changed[place : place + length]
        elif len(changed) > 2:
            del changed[max(1, place) :]
    return bytes(changed)


def read_all(folder: Path, first: int, count: int) -> None:
    """Read files of some seeds; whatever is no sentence ends this process."""
    limit_this_process()
    for source in sources(folder):
        data, path = source.read_bytes(), folder / f"damaged{source.suffix}"
        readers = [read_stack]
        if source.suffix == ".yaml":
            readers = [RunConfig.from_yaml, read_regions]
        for seed in range(first, first + count):
            path.write_bytes(damaged(data, seed))
            for read in readers:
                try:
                    found = read(path)
                    if read is read_stack:
                        np.asarray(found.data)
                except NapariUNetError as error:
                    if "\n" in str(error):
                        raise AssertionError(f"{source.name} seed {seed}") from error
                except Exception:
                    print(source.name, "seed", seed, file=sys.stderr)  # noqa: T201
                    raise


def limit_this_process() -> None:
    """Let what grows or runs without end fail, where the system knows limits."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (600, 600))
        resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))


@pytest.mark.parametrize("first", [0])
def test_damaged_files_are_read_or_refused_in_a_sentence(tmp_path, first):
    words = [sys.executable, __file__, str(_SEEDS), str(first), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


if __name__ == "__main__":
    import tempfile

    number, *more = sys.argv[1:]
    begin = int(more[0]) if more else 0
    with tempfile.TemporaryDirectory() as temporary:
        read_all(Path(more[1] if len(more) > 1 else temporary), begin, int(number))

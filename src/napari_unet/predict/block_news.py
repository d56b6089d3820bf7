"""What blocks tell the user, each thing once."""

from __future__ import annotations

import re

from napari_unet.predict.blocks import Written


class News:
    """Keeps what was told, whichever process says it again."""

    def __init__(self) -> None:
        self._told, self._devices = set[str](), list[str]()

    @property
    def devices(self) -> str:
        """What computed the blocks so far, in words; "" before the first."""
        return " and ".join(self._devices)

    def of(self, written: Written) -> str:
        """Return what the user was not told yet of a block."""
        if written.device and written.device not in self._devices:
            self._devices.append(written.device)
        news = []
        for line in written.message.splitlines():
            # What stands in brackets is the reason, with numbers of each process.
            gist = re.sub(r"\(.*\)", "", line)
            if gist not in self._told:
                self._told.add(gist)
                news.append(line)
        return "\n".join(news)

"""A group or an array of Zarr, opened with words for what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from napari_unet.data.addresses import is_address
from napari_unet.data.files import unreadable
from napari_unet.data.formats.extra import library
from napari_unet.errors import InputError


@dataclass(frozen=True)
class Node:
    """A group or an array, and where it lies."""

    path: str
    held: Any

    @classmethod
    def at(cls, path: str) -> Node:
        """Open a folder or an address.

        Raises
        ------
        InputError
            When nothing is there, or it is broken, or zarr is not installed.
        """
        zarr = library("zarr", "OME-Zarr and Zarr", "zarr")
        if not is_address(path):
            path = str(Path(path))
            if not Path(path).exists():
                raise unreadable(path, FileNotFoundError())
        no_group = (
            FileNotFoundError,
            zarr.errors.ContainsArrayError,
            zarr.errors.NodeTypeValidationError,
        )
        try:
            try:
                # What its writer consolidated need not be all that it holds by now.
                return cls(
                    path, zarr.open_group(path, mode="r", use_consolidated=False)
                )
            except no_group:
                return cls(path, zarr.open_array(path, mode="r"))
        except ImportError as error:
            raise InputError(
                f"{path} is read through fsspec, which lacks a library here ({error}): "
                'install it by pip install "fsspec[http]", or "fsspec[s3]".'
            ) from error
        except FileNotFoundError as error:
            raise InputError(
                f"{path} holds no Zarr: choose the folder that ends in .zarr, or a "
                "group in it that holds an image."
            ) from error
        except OSError as error:
            raise unreadable(path, error) from error
        except Exception as error:
            raise _broken(path, error) from error

    @property
    def is_array(self) -> bool:
        """Whether it is an array, and not a group of them."""
        return hasattr(self.held, "shape")

    @cached_property
    def attributes(self) -> Mapping[str, Any]:
        """What OME-Zarr says of it, in either version."""
        own = dict(self.held.attrs)
        return own["ome"] if isinstance(own.get("ome"), dict) else own

    def array(self, inside: str) -> Any:
        """Return an array that lies in it.

        Raises
        ------
        InputError
            When there is none, or it is broken.
        """
        try:
            held = self.held[inside]
            held.chunks  # noqa: B018 (a group has none)
        except (KeyError, AttributeError, FileNotFoundError) as error:
            raise InputError(
                f"{self.path} names an array {inside} that is not there: copy it again."
            ) from error
        except Exception as error:
            raise _broken(f"{self.path}/{inside}", error) from error
        return held


def _broken(path: str, error: Exception) -> InputError:
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return InputError(
        f"{path}: its Zarr metadata are broken ({reason}): copy it again."
    )

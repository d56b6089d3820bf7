"""What lies behind the proxies that napari hands to plugins."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from napari.components import ViewerModel

T = TypeVar("T")


def real(proxy: Any) -> Any:
    """Return a layer or viewer itself; every proxy of it is another object."""
    return getattr(proxy, "__wrapped__", proxy)


def one_for(
    viewer: ViewerModel, known: dict[int, T], make: Callable[[ViewerModel], T]
) -> T:
    """Return what `known` holds of a viewer; made at first, gone with the viewer."""
    owner = real(viewer)
    if id(owner) not in known:
        known[id(owner)] = make(owner)
        weakref.finalize(owner, known.pop, id(owner), None)
    return known[id(owner)]

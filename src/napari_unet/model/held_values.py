"""What a forward pass holds at once, counted on paper."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_BYTES = 4


class HeldValues(TorchDispatchMode):
    """Counts the values that operations make, as long as anything holds them.

    It sees what happens while it is entered, also to tensors without numbers. Where
    poolings found their maxima counts as well.

    Attributes
    ----------
    most
        Values that were held at once, as numbers of four bytes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.most = 0.0
        self._held: dict[int, float] = {}

    def __torch_dispatch__(
        self,
        operation: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Do an operation, and count what it made."""
        given = {one.untyped_storage()._cdata for one in _tensors((args, kwargs))}
        made = operation(*args, **(kwargs or {}))
        for tensor in _tensors(made):
            storage = tensor.untyped_storage()
            key = storage._cdata
            if key not in given and key not in self._held:
                self._held[key] = storage.nbytes() / _BYTES
                weakref.finalize(storage, self._held.pop, key)
        self.most = max(self.most, sum(self._held.values()))
        return made


def _tensors(found: Any) -> list[Tensor]:
    return [one for one in tree_leaves(found) if isinstance(one, Tensor)]

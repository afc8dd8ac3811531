"""What feeds what in a network: found by running it once on tensors without content, not written down by hand.

Every tensor carries the names of the parts that it came from. A part is one module or several; whatever is computed
between parts passes the names on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

Origins = frozenset[str]


@dataclass(frozen=True, slots=True)
class Graph:
    """Parts of a network and inputs to it.

    Attributes:
        shapes: part or input -> what it gave last, without the batch.
        parameters: part -> numbers that it learns; inputs have none.
        edges: from part to part, in the order in which they were met.
    """

    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    edges: dict[tuple[str, str], None] = field(default_factory=dict)


def traced(run: Callable[..., Any], inputs: Mapping[str, Tensor], parts: Mapping[str, Sequence[nn.Module]]) -> Graph:
    """Run a network and see which part feeds which.

    Args:
        run: called with the inputs in their order.
        inputs: by the name that they have in the graph, `[B,...]`; on the device meta nothing is computed.
        parts: name -> its modules; what they compute within themselves is not looked at.
    """
    graph = Graph()
    graph.parameters.update(
        {name: sum(p.numel() for module in modules for p in module.parameters()) for name, modules in parts.items()}
    )
    for name, tensor in inputs.items():
        _mark([tensor], frozenset([name]))
        graph.shapes[name] = tuple(tensor.shape[1:])
    passing = _Passing(graph)
    with passing.entered_by(parts), passing, torch.no_grad():
        run(*inputs.values())
    return graph


class _Passing(TorchFunctionMode):
    """Gives what a function returns the origins of all that it was given; a part that it works in becomes the origin.

    Only what is worked on makes an edge: an argument that a part leaves unread makes none.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self.inside: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        leaves = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        if leaves and (origins := _origins((args, kwargs))):
            if self.inside:
                part = self.inside[-1]
                self.graph.edges.update(dict.fromkeys((origin, part) for origin in sorted(origins - {part})))
                origins = frozenset([part])
            _mark(leaves, origins)
        return result

    @contextmanager
    def entered_by(self, parts: Mapping[str, Sequence[nn.Module]]) -> Iterator[None]:
        """Know, while the modules of parts run, whose they are."""

        def leave(name: str, result: Any) -> None:
            self.inside.pop()
            first = next(leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor))
            self.graph.shapes[name] = tuple(first.shape[1:])

        with ExitStack() as stack:
            for name, modules in parts.items():
                for module in modules:
                    before = module.register_forward_pre_hook(lambda _m, _given, name=name: self.inside.append(name))
                    after = module.register_forward_hook(lambda _m, _given, result, name=name: leave(name, result))
                    stack.callback(before.remove)
                    stack.callback(after.remove)
            yield


def _origins(values: Any) -> Origins:
    found: list[Origins] = [
        getattr(leaf, "_origins", frozenset()) for leaf in tree_leaves(values) if isinstance(leaf, Tensor)
    ]
    return Origins().union(*found)


def _mark(tensors: Sequence[Tensor], origins: Origins) -> None:
    for tensor in tensors:
        tensor._origins = origins  # type: ignore[attr-defined]

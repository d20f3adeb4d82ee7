"""Operations that no handler knows, written out by PyTorch itself in those that there are."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, Final

from edgetrig.frontends.torch.graph import IGNORED, SHAPES_ONLY
from edgetrig.frontends.torch.handlers import HANDLERS
from edgetrig.frontends.torch.maps import MAPS
from edgetrig.frontends.torch.moves import MOVES
from edgetrig.frontends.torch.scatters import SCATTERS
from edgetrig.frontends.torch.simplify import CASTS, SAME

_KNOWN: Final = frozenset(
    {*IGNORED, *SHAPES_ONLY, *HANDLERS, *MAPS, *MOVES, *SCATTERS, *CASTS, *SAME, "getitem"}
)
_ROUNDS: Final = 4
"""Times that what comes of an operation is written out again."""


def decomposed(torch: Any, program: Any) -> Any:
    """Return an exported program without unknown operations that PyTorch can write out.

    Those that are known stay: an LSTM as a whole has better types than its sums and products. A
    cell (`LSTMCell`) is written out. What leads to other unknown operations stays as it is, so
    that errors name what the user wrote.
    """
    table = torch.export.default_decompositions()
    unknown = _unknown(program)
    result = _written_out(program, unknown, table)
    if not _unknown(result):
        return result
    helped = {one for one in unknown if _unknown(_written_out(program, {one}, table)) < unknown}
    return _written_out(program, helped, table)


def _written_out(program: Any, targets: Set[Any], table: Any) -> Any:
    """Return a program without some operations, and without unknown ones that come of them."""
    stays = _unknown(program) - targets
    for _ in range(_ROUNDS):
        chosen = {target: table[target] for target in targets if target in table}
        if not chosen:
            break
        program = program.run_decompositions(chosen)
        targets = _unknown(program) - stays
    return program


def _unknown(program: Any) -> set[Any]:
    return {
        node.target
        for node in program.graph_module.graph.nodes
        if node.op == "call_function" and node.all_input_nodes and _name(node) not in _KNOWN
    }


def _name(node: Any) -> str:
    packet = getattr(node.target, "overloadpacket", None)
    return str(getattr(packet or node.target, "__name__", node.target))

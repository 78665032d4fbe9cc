"""What is wrong with a stage that is a row of the library's blocks, said of blocks and not of their layers."""

from torch import nn

from .._common import Finding, kinds_of
from ..blocks import BTNK1, BTNK2

KINDS = kinds_of(
    """
    module list: An nn.ModuleList holds modules, and runs none of them. It should be nn.Sequential.
    no block: There is no block in it yet.
    more than blocks: It should be {n} block{s} and nothing else, and holds a {more} too: each block has its own ReLU.
    one block twice: Block {before} and block {i} are one block with one set of weights. Make a new one for each place.
    number of blocks in the row: It has {blocks}, and n = {n} are expected: one BTNK1, then n − 1 BTNK2.
    BTNK2 first: Block 1 is a BTNK2. The first block changes the shape: a BTNK1.
    block's numbers: Block 1 is {made}, and BTNK1(C={C}, C1={C1}, S={S}) is expected.
    BTNK1 later: Block {i} is a BTNK1. Only block 1 changes the shape; the others keep it: BTNK2.
    block's channels: Block {i} is BTNK2({C}), and is given {right} channels: what the block before it outputs.
    """
)


def _finding(kind, **values):
    return Finding(KINDS[kind], values=values)


def of_blocks(stage, C, C1, S, n):
    """What is wrong with a row of the library's blocks, said of blocks and not of their layers; None for all else.
    Blocks are counted from 1, as in the lesson and its explorer."""
    if isinstance(stage, nn.ModuleList):
        return _finding("module list")
    row = list(stage) if isinstance(stage, nn.Sequential) else [None]
    more = [type(b).__name__ for b in row if b and not any(True for _ in b.parameters())]
    if type(stage) is nn.Sequential and len(row) > n and more:
        return _finding("more than blocks", n=n, s="s" * (n > 1), more=more[0])
    if not all(type(block) in (BTNK1, BTNK2) for block in row):
        return None
    if not row:
        return _finding("no block")
    for i, block in enumerate(row, 1):
        for before, other in enumerate(row[: i - 1], 1):
            if block is other:
                return _finding("one block twice", before=before, i=i)
    if len(row) != n:
        return _finding("number of blocks in the row", blocks=f"{len(row)} block{'s' * (len(row) > 1)}", n=n)
    first, *others = row
    if type(first) is BTNK2:
        return _finding("BTNK2 first")
    if (first.C, first.C1, first.S) != (C, C1, S):
        made = f"BTNK1(C={first.C}, C1={first.C1}, S={first.S})"
        return _finding("block's numbers", made=made, C=C, C1=C1, S=S)
    for i, block in enumerate(others, 2):
        if type(block) is BTNK1:
            return _finding("BTNK1 later", i=i)
        if block.C != 4 * C1:
            return _finding("block's channels", i=i, C=block.C, right=4 * C1)
    return None

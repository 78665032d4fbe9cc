"""Trained blocks for the instrument: the bundled network's, and ResNet-50's where it has been downloaded."""

import copy
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import torch

from ..activations import calls
from ..anatomy import anatomy, shapes_only
from ..blocks import BTNK1
from ..network import resnet50
from ..photos import PATTERNS, photo
from ..weights import CHECKPOINTS, load
from .block_design import BlockDesign


@dataclass(frozen=True)
class Place:
    """A block of a network: which one, and what it is designed as. `path` is its name there, "stage2.0"."""

    network: str
    path: str
    design: BlockDesign

    def trained(self, stride_on="3x3"):
        """Return the block with its trained weights, in eval(), and shared: not to be changed. With S on the other
        convolution than it was trained with, a copy of it."""
        block = loaded(self.network).get_submodule(self.path)
        return other_layout(block) if self.moved(stride_on) else block

    def moved(self, stride_on):
        """Return whether S is on another convolution than in training, and that matters."""
        return self.design.block == "BTNK1" and self.design.S > 1 and stride_on != self.design.stride_on

    def input(self, picture, W):
        """Return what the trained network gives this block for a picture, (1, C, W, W)."""
        size = W * self.jump
        if isinstance(picture, str) and picture in PATTERNS:
            raise ValueError(f"{picture} is not a photograph, and the trained network was made for photographs")
        return _inputs(self.network, self.path, picture if isinstance(picture, str) else _Same(picture), size)

    @property
    def jump(self):
        """Pixels of the picture from one position of the block's input to the next."""
        return {"stage1": 4, "stage2": 4, "stage3": 8, "stage4": 16}[self.path[:6]] * (
            2 if self.path[:6] != "stage1" and not self.path.endswith(".0") else 1
        )


class _Same:
    """A picture as a key: PIL images compare by content and have no hash."""

    def __init__(self, image):
        self.image = image

    def __eq__(self, other):
        return isinstance(other, _Same) and self.image is other.image

    def __hash__(self):
        return id(self.image)


def has_weights(network):
    """Return whether the trained weights of a network can be had without a download."""
    file = CHECKPOINTS[network].file
    return not file or (Path(torch.hub.get_dir()) / "checkpoints" / file).is_file()


@cache
def places(network):
    """Return the blocks of a network in the catalogue, a dictionary "Stage 2, block 1" → Place. Loads nothing."""
    checkpoint = CHECKPOINTS[network]
    with shapes_only():
        built = checkpoint.build() if network == "thin" else resnet50()
    W, found = anatomy(built.stage0, checkpoint.size).output[-1], {}
    for stage in range(1, 5):
        for i, b in enumerate(getattr(built, f"stage{stage}")):
            design = BlockDesign("BTNK1" if isinstance(b, BTNK1) else "BTNK2", b.C, W, b.C1, b.S)
            found[f"Stage {stage}, block {i + 1}"] = Place(network, f"stage{stage}.{i}", design)
            W = anatomy(b, W).output[-1]
    return found


@cache
def loaded(name):
    """Return the trained network of that name, loaded once and shared: not to be changed."""
    return load(name)


@lru_cache(maxsize=8)
def _inputs(network, path, picture, size):
    whole, checkpoint = loaded(network), CHECKPOINTS[network]
    image = picture.image if isinstance(picture, _Same) else photo(picture)
    with torch.no_grad():
        return calls(whole, checkpoint.to_input(image, size), [f"{path}.conv1"])[f"{path}.conv1"].inputs[0]


def moved_blocks(network):
    """Return the blocks in which it matters where S is."""
    return [m for m in network.modules() if isinstance(m, BTNK1) and m.S > 1]


def other_layout(network):
    """Return the same network, or block, with S on the other convolution of every BTNK1 of S > 1; ValueError without
    one."""
    network = copy.deepcopy(network)
    if not moved_blocks(network):
        raise ValueError(
            "v1 and v1.5 can be compared where a BTNK1 of resnet_lib has S > 1, and this network has none: pass one "
            "that is built from them"
        )
    for block in moved_blocks(network):
        block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    return network

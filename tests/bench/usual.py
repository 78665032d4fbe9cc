"""The alternative that live views are measured against: what people usually write."""

# The block is the explorer's, and so are slider and input. Axes are off, which makes it three times faster.
USUAL = """
import matplotlib.pyplot as plt
import torch
from ipywidgets import IntSlider, VBox, interactive_output

from resnet_lib import BTNK1
from resnet_lib.photos import block_input

%matplotlib inline
x, _ = block_input("coffee", C=256, W=56)
slider = IntSlider(64, 4, 512, 4, description="C1")

def draw(C1):
    torch.manual_seed(0)
    block = BTNK1(C=256, C1=C1, S=1)
    with torch.no_grad():
        y = block(x)[0]
    fig, axes = plt.subplots(8, 8, figsize=(6, 6))
    for ax, channel in zip(axes.flat, y):
        ax.imshow(channel)
        ax.axis("off")
    plt.show()

output = interactive_output(draw, {"C1": slider})
"""

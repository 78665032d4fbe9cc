"""Graded hints for what a learner builds: the first is keyed to the symptom, the last is nearly the solution."""

import re

# What a check has said → where to look. The first that fits counts.
SYMPTOMS = [
    (r"Python says", "Read the line at which it stopped, and print the shape before it: print(tuple(x.shape))."),
    (
        r"projection|shortcut",
        "Write down the shape of F(x) and of the shortcut. Where they differ, the shortcut needs G.",
    ),
    (r"bias", "Every nn.Conv2d of a ResNet ends with bias=False."),
    (
        r"channels|takes|C1|missing|too many",
        "Write C → C1 → C1 → 4·C1 beside your layers: each takes what came before.",
    ),
    (r"ReLU|LeakyReLU", "Count your ReLUs: one after each BN inside F, one after the sum, none at the end of F or G."),
    (r"batch|training mode|running|BN", "Every convolution is followed by its own BN, with its number of channels."),
    (r"stride|has S =", "S stands in your code exactly twice: once in F and once in G. Everything else has stride 1."),
    (r"padding|pooling|wide", "Put each kernel and padding into ⌊(W + 2·padding − kernel) / stride⌋ + 1."),
]
NEXT = "Write the shape after each line of forward as a comment, and compare with the table of the lesson."

# Part → a hint about its structure, and one that is nearly the solution. Where there are three, the first is one for
# every symptom.
PARTS = {
    "stem": (
        "Four steps: a convolution, BN, ReLU, the largest of 3×3. Two of them have stride 2, and each its padding.",
        "nn.Conv2d(C, C1, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(C1), nn.ReLU(), nn.MaxPool2d(3, 2, …).",
    ),
    "projection": (
        "One convolution that changes channels and size at once, and a BN. No ReLU.",
        "nn.Conv2d(C, C_out, 1, stride=S, bias=False), then nn.BatchNorm2d(…).",
    ),
    "BTNK2": (
        "F is 1×1, 3×3, 1×1 with C/4 channels inside, each with its BN. Then the sum with x, then the ReLU.",
        "f = relu(bn1(conv1(x))); f = relu(bn2(conv2(f))); f = bn3(conv3(f)); return relu(f + …).",
    ),
    "BTNK1": (
        "F as in BTNK2, with C1 inside, 4·C1 at its end and S on the 3×3. G is a 1×1 /S with BN, for S = 1 too.",
        "f = relu(bn1(conv1(x))); f = relu(bn2(conv2(f))); f = bn3(conv3(f)); return relu(f + shortcut(…)).",
    ),
    "stage": (
        "One BTNK1 changes the shape; n − 1 BTNK2 keep it. The C of a BTNK2 is what the BTNK1 gives out.",
        "nn.Sequential(BTNK1(C, C1, S), *(BTNK2(…) for _ in range(n − 1))).",
    ),
    "network": (
        "Stem, four stages with 3, 4, 6, 3 blocks, average over H and W, flatten, linear layer. No softmax.",
        "Stage i has C1 = 64, 128, 256, 512 and S = 1, 2, 2, 2; its C is 64 in Stage 1, and 2·C1 in the others.",
    ),
    "numbers_left": (
        "Draw a row of 7 pixels and strike out every second one. How many are left? And how many rows?",
        "First the side: W/S, rounded up, math.ceil(W / S) after import math. Then channels × rows × columns.",
        "side = math.ceil(W / S), then return C * … * …",
    ),
    "bytes": (
        "How many numbers has one channel? How many channels has one picture? How many pictures are there?",
        "Numbers times bytes for each number; x.element_size() has just told how many those are.",
        "return 4 * batch * … * W * …",
    ),
    "out_width": (
        "How many pixels has the padded row? How many of them does the first place take? How often does a stride fit?",
        "reach = dilation * (kernel - 1) + 1, then (W + 2 * padding - reach) // … + …",
    ),
    "parameters": (
        "Convolution by convolution: kernel · kernel · C_in · C_out. Then the BNs, if they are asked for: 2 a channel.",
        "BTNK2: C·C/4 + 9·(C/4)² + C/4·C. BTNK1: C·C1 + 9·C1² + 4·C1² + 4·C·C1. BNs: 2 · (all channels they see).",
    ),
    "macs": (
        "Each weight of a convolution is used once at every position of its output.",
        "Parameters of each convolution × its output height × its output width; with S, these are W/S from the 3×3 on.",
    ),
    "fold": (
        "Write BN's formula with c = W ∗ x + b in it, and collect what multiplies x and what does not.",
        "s = γ / √(σ² + ε); weight = s[:, None, None, None] * W; bias = s * (b − …) + …",
    ),
    "rename": (
        "Three kinds of names: before layer1, in a layer, and fc. In a layer only layer and downsample change.",
        'name.startswith("conv1.") → "stage0.conv."; "layer" → "stage"; "downsample.0" → "shortcut.conv"; …',
    ),
    "grad_cam": (
        "First the gradient of one logit with respect to the maps, then a mean over places, a sum over channels, ReLU.",
        "(slopes,) = torch.autograd.grad(logits[0, target], maps); weights = slopes.mean((2, 3), keepdim=True); …",
    ),
    "receptive_field": (
        "Carry two numbers through the steps: r, what is seen, and j, how far neighbours lie apart.",
        "r, j = 1, 1; for each step: r = r + (kernel − 1) · j, and then j = …",
    ),
}


def hints(part, sentence):
    """The hints for a part, "stem" or "parameters", of which a check has said this sentence."""
    if len(PARTS[part]) == 3:
        return PARTS[part]
    symptom = next((hint for pattern, hint in SYMPTOMS if re.search(pattern, sentence)), NEXT)
    return (symptom, *PARTS[part])

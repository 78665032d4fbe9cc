"""Graded hints for what a learner builds: the first is keyed to the symptom, the last is nearly the solution."""

import re

# What a check has said → where to look. The first that fits counts.
ANYWHERE = [
    (r"none called", "Only names have to change: those after self., in __init__ and in forward."),
    (r"gives None", "A function gives back what stands after return, and without one it gives None."),
    (r"no part of your module", "Look for a layer without its self., or one that an earlier cell of the lesson made."),
    (r"Python says", "Read the line at which it stopped, and print the shape before it: print(tuple(x.shape))."),
]
SYMPTOMS = [
    *ANYWHERE,
    (
        r"projection|shortcut",
        "Write down the shape of F(x) and of the shortcut. Where they differ, the shortcut needs G.",
    ),
    (r"bias", "Every nn.Conv2d of a ResNet ends with bias=False."),
    (
        r"channels|\btakes\b|C1|missing|too many",
        "Write C → C1 → C1 → 4·C1 beside your layers: each takes what came before.",
    ),
    (r"ReLU|LeakyReLU", "Count your ReLUs: one after each BN inside F, one after the sum, none at the end of F or G."),
    (r"batch|training mode|running|BN", "Every convolution is followed by its own BN, with its number of channels."),
    (r"stride|has S =", "S stands in your code exactly twice: once in F and once in G. Everything else has stride 1."),
    (r"padding|pooling|wide", "Put each kernel and padding into ⌊(W + 2·padding − kernel) / stride⌋ + 1."),
]
NEXT = "Write the shape after each line of forward as a comment, and compare with the table of the lesson."

# What a function computes is read otherwise than a module.
FUNCTION = [
    (r"Python says", "Read the line at which it stopped, and print there what it computes with."),
    (r"None", "A function gives back what stands after return; what it prints, nobody gets."),
    (r"tuple|list", "One number is asked for, and not one for each side or step."),
    (r"", "Compute the case above by hand, and print each step in your function: the first that differs is the one."),
]

# Symptoms of one part; those above follow, unless the last fits everything.
OWN_SYMPTOMS = {
    **dict.fromkeys(("out_width", "parameters", "macs", "receptive_field", "fold", "rename", "grad_cam"), FUNCTION),
    "stem": [
        *ANYWHERE,
        (r"missing|without calling", "The four lines of forward stand in sections 4 to 7, one in each."),
        (r"channels|\btakes\b", "Into the convolution go C channels, out of it C1; BN has as many as come out."),
        (r"ReLU", "One ReLU, after BN and before the pool."),
        (r"stride|padding|pooling|gives out", "Print the shape after each step, and compare with sections 4 to 7."),
    ],
    "BTNK2": [
        *ANYWHERE,
        (r"stacked|overwrit|added", "Give what flows through F a name of its own, f, so that x is still there."),
        (
            r"channels|\btakes\b|missing|too many",
            "Write C → C/4 → C/4 → C beside your layers: each takes what came before.",
        ),
        (
            r"what comes out differs",
            "Read the last lines of forward aloud: what is added to what, and what comes after?",
        ),
        (r"stride", "Nothing in an identity block has a stride."),
    ],
    "to_v1": [
        (r"copy\.copy|very block|shares|changed", "Look at the block that you were given once more, after the call."),
        (r"G keeps|shortcut has", "The shortcut has a stride of its own; nobody asked for another one."),
        (r"stride", "Print the strides of conv1 and conv2 before and after, for a block with S = 1 too."),
        (r"weights|running_|names", "A new block has random weights and fresh BNs."),
        (r"None", "The last line should be return v1."),
        (r"", "Print what you give back beside what you were given."),
    ],
    "contents": [
        (r"Python says", "Try the line on one entry first: name, tensor = next(iter(weights.items()))."),
        (r"numel|bytes|numbers in", "Print tensor.shape and tensor.numel() of one convolution side by side."),
        (r"order|come first", "Compare with the comment in the return line of the exercise."),
        (r"None|four numbers", "One return with four numbers: how many entries, how many numbers, twice."),
        (r"", "Print the names that you count as parameters: do all end as they should, and is one missing?"),
    ],
    "ladder": [
        (r"Python says", "Read the line at which it stopped: only what the exercise names has to change."),
        (r"pool", "Compare kernel, stride and padding of the pooling with lesson 01: others can give the same shape."),
        (r"ReLU|relu|sum|shortcut", "Look where the last bracket closes: what is inside the ReLU, and what outside?"),
        (r"", "All steps before the first that differs are right: look at what comes right after them."),
    ],
}

# Part → a hint about its structure, and one that is nearly the solution.
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
    "to_v1": (
        "Take a copy of everything, and let conv1 and conv2 of the copy exchange their strides. Nothing else changes.",
        "v1 = copy.deepcopy(block); v1.conv1.stride, v1.conv2.stride = v1.conv2.stride, …",
    ),
    "contents": (
        "Five endings: weight and bias are parameters; running_mean, running_var and num_batches_tracked are buffers.",
        'parameters = [t for name, t in weights.items() if name.endswith((".weight", ".bias"))]; then len(parameters), '
        "sum(t.numel() for t in parameters), and the same for the rest.",
    ),
    "ladder": (
        "The stem ends with the largest of 3×3, stride 2, padding 1. A block adds F(x) and x, and then the ReLU.",
        "nn.MaxPool2d(3, stride=2, padding=…); return self.relu3(self.bn3(self.conv3(f)) + …)",
    ),
    "out_width": (
        "How many pixels has the padded row? How many of them does the first place take? How often does a stride fit?",
        "reach = dilation * (kernel - 1) + 1, then (W + 2 * padding - reach) // … + …",
    ),
    "parameters": (
        "Convolution by convolution: kernel · kernel · C_in · C_out. Then the BNs, if they are asked for: 2 a channel.",
        "BTNK2: C·C/4 + 9·(C/4)² + C/4·C. Basic block: twice 9·C². BTNK1: C·C1 + 9·C1² + 4·C1² + 4·C·C1. "
        "BNs: 2 · (all channels they see).",
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
    symptoms = [*OWN_SYMPTOMS.get(part, ()), *SYMPTOMS]
    symptom = next((hint for pattern, hint in symptoms if re.search(pattern, sentence)), NEXT)
    return (symptom, *PARTS[part])

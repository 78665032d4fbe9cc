"""Graded hints for what a learner builds: the first is keyed to the symptom, the last is nearly the solution."""

import re

# What a check has said → where to look. The first that fits counts.
ANYWHERE = [
    (r"none called", "Only names have to change: those after self., in __init__ and in forward."),
    (r"gives None", "A function gives back what stands after return, and without one it gives None."),
    (r"no part of your module", "Look for a layer without its self., or one that an earlier cell of the lesson made."),
    (r"gives back x", "Look at the return line of forward: which name stands there, and what does it stand for?"),
    (r"no layers yet", "Begin in __init__, below super().__init__(): one line for each layer."),
    (r"is made without", "Count what stands in the brackets there, and what the def line of that class asks for."),
    (r"super\(\)", "It is the first line of __init__, above every self.something."),
    (r"misspelt", "Compare it letter by letter, capitals too, with the place where it is made."),
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
NEXT = "Write the shape after each line of forward as a comment, and compare with the lesson's."

# The same for a function, which is no module.
COMMON = [
    (r"gives None", "Is there a return, with what you have computed behind it?"),
    (r"same for every input", "Does your function use the names in its brackets, or some that an earlier cell made?"),
    (r"function itself", "Write the name of your function alone, without brackets behind it."),
    (r"Python says", "Read the line at which it stopped, and print what it is given."),
]
OWN_NEXT = "Take the smallest example there is, do it by hand, and compare with what your code gives."
FUNCTION = [
    *COMMON,
    (r"None", "A function gives back what stands after return; what it prints, nobody gets."),
    (r"tuple|list", "One number is asked for, and not one for each side or step."),
    (r"", "Compute the case above by hand, and print each step in your function: the first that differs is the one."),
]
FUNCTIONS = {
    "fair": [
        (r"warm-up", "A run whose time nobody takes is a warm-up: call each work once before the loops."),
        (r"order|turns|never ran", "Print a name before each work runs. A B A B … is wanted, and not A A … B B …."),
        (r"keys|list|dictionary|number|times of", "Print what your function gives for two works and repeats = 3."),
        (r"seconds|clock", "A time is what the clock shows after a work less what it showed right before, in seconds."),
    ],
    "intensity": [
        (r"count numbers|count bits", "Numbers first, then times 4: a float32 has 32 bits."),
        (r"MACs", "Begin with the FLOPs alone: for the first layer there are 2 · 64 · 256 · 56 · 56."),
        (r"The batch|one picture", "Which of the three, input, output and weights, are there once for each picture?"),
        (r"weight|kernel", "Weights: one k · k kernel for each pair of a channel in and a channel out."),
        (r"W|input|output", "Write C · W · W and C_out · W_out · W_out down. Which of them do the products count?"),
    ],
    "pictures": [
        (r"median|one run alone|all runs", "A timing holds several runs. Which number of it stands for them all?"),
        (r"pictures|seconds", "What is the unit of your number: pictures / seconds, or something else?"),
    ],
    "design": [
        (r"given", "Which number of it do you doubt at 32 pixels? Begin with that one."),
        (r"illegal", "“mend it” in the designer takes the nearest legal numbers."),
        (r"MACs are|parameters are", "Which stage takes most of it? The designer's table says it, stage by stage."),
        (r"sees", "A 3×3 adds 2 · jump. One block more in a late stage adds most."),
        (r"at least half", "What is left of the MACs buys channels, blocks, or finer maps with a stride less."),
        (r"classes", "The head tells the task's classes apart: num_classes=len(task.classes)."),
        (r"Design", "Copy all of “this design as code”, from Design( to the last bracket."),
    ],
    "ablation": [
        (r"your design still", "Turn one control of the designer, and paste what stands under “this design as code”."),
        (r"times the MACs", "Print anatomy(changed, W).macs beside anatomy(design, W).macs while you change it."),
        (r"^expected", "No expectation is wrong here: it is only to be said before the training."),
        (r"^idea", "Say it as you would to a neighbour, in five words."),
    ],
    "reasons": [
        (r"numbers?\b", "Which of your numbers would somebody ask about first: a C1, a stride, a share of the budget?"),
        (r"characters|room", "A sentence for each: what, why, its cost, what the ablation showed, what is not known."),
        (r"^author", "Your name, as it shall stand on the page, in quotes."),
    ],
    "fold": [
        (r"In the bias|bias", "Write b' on paper with one channel: c = b, then BN's formula. Which letter is missing?"),
        (r"output channels|shape", "s has one number for each channel out. Which dimension of the weight is that?"),
        (r"ε|root|γ|weight", "Write s on paper for one channel: a factor, divided by a root. What stands under it?"),
    ],
    "rename": [
        (r"wrong name", "Print the old name and the new one side by side, and look at the first that differs."),
        (r"inside the loop", "The loop goes through all names before anything is given back."),
        (r"lost|entries", "Two old names must never become one new name: count them before and after."),
    ],
    "grad_cam": [
        (r"hangs on", "Print requires_grad of your map, before and after .detach()."),
        (r"map is \(|alone is", "Print the shape after every line: maps (1, C, h, w), and (h, w) at the end."),
        (r"logit|softmax", "Which single number do you take the gradient of? Print it."),
        (r"ReLU|negative|positive", "The ReLU is the last step of equation (2). What has been summed before it?"),
        (r"sum|mean|verage|channel", "Over places for a weight, over channels for the map: which of them is a mean?"),
        (r"gradient", "Print slopes.shape: it should be the shape of the maps."),
        (r"map", "Print the shape after every line: maps (1, C, h, w), weights (1, C, 1, 1), and (h, w) at the end."),
    ],
    "receptive_field": [
        (r"jump|stride|early", "Write r and j after each step for 7×7 /2, then 3×3 /2: r = 7, j = 2, then …"),
        (r"begin|Begin|sees itself", "Without any step a pixel sees one pixel: itself."),
    ],
}
FUNCTIONS["ablation"] += FUNCTIONS["design"]  # it must keep the same rules

# Symptoms of one part; those above follow, unless the last fits everything.
OWN_SYMPTOMS = {
    "numbers_left": [
        (r"", "Draw a row of 7 pixels and strike out every second one. How many are left? And how many rows?")
    ],
    "bytes": [
        (r"", "How many numbers has one channel? How many channels has one picture? How many pictures are there?")
    ],
    **dict.fromkeys(("out_width", "parameters", "macs"), FUNCTION),
    "to_v1": [
        (r"Python says.*(not defined|no attribute)", "Compare it letter by letter with the exercise: v1.conv1.stride."),
        (r"Python says", "Read the line at which it stopped, and print what stands in it."),
        (r"changed places", "Which of the two is asked for: v1.conv1, or v1.conv1.stride?"),
        (r"copy\.copy|very block|shares|changed", "Look at the block that you were given once more, after the call."),
        (r"G keeps|shortcut has", "The shortcut has a stride of its own; nobody asked for another one."),
        (r"stride", "Print the strides of conv1 and conv2 before and after, for a block with S = 1 too."),
        (r"weights|running_|names", "A new block has random weights and fresh BNs."),
        (r"None", "The last line should be return v1."),
        (r"", "Print what you give back beside what you were given."),
    ],
    **{kind: [*COMMON, *where, (r"", OWN_NEXT)] for kind, where in FUNCTIONS.items()},
}

# Part → a hint about its structure, and one that is nearly the solution.
PARTS = {
    "to_v1": (
        "Take a copy of everything, and let conv1 and conv2 of the copy exchange their strides. Nothing else changes.",
        "v1 = copy.deepcopy(block); v1.conv1.stride, v1.conv2.stride = v1.conv2.stride, …",
    ),
    "numbers_left": (
        "First the side: W/S, rounded up, math.ceil(W / S) after import math. Then channels × rows × columns.",
        "side = math.ceil(W / S), then return C * … * …",
    ),
    "bytes": (
        "Numbers times bytes for each number; x.element_size() has just told how many those are.",
        "return 4 * batch * … * W * …",
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
    "fair": (
        "First a loop over the works alone, the warm-up. Then two loops, one in the other, with the rounds outside.",
        "for _ in range(repeats): for name, work in works.items(): start = time.perf_counter(); work(); "
        "seconds[name].append(… − start).",
    ),
    "intensity": (
        "FLOPs: 2 × weights × places of the output × batch. Numbers moved: batch × (input + output) + weights.",
        "weights = C * C_out * k * k; 2 * weights * W_out**2 * batch / (4 * (batch * (C * W**2 + …) + weights)).",
    ),
    "pictures": ("One run does all the pictures of the batch, and takes timing.median seconds.", "return batch / …"),
    "design": (
        "Early stages have the large maps and so the MACs; Stage 4 has most of the parameters.",
        "The preset “wide and shallow” of the designer is within the budget: begin there, and change a number of your "
        "own.",
    ),
    "ablation": (
        "Half the channels pay for twice the W, and twice the blocks cost as much as 1.4 times the channels.",
        "changed = replace(design, stem=replace(design.stem, kernel=…)), then the idea in a few words and "
        "what you expect.",
    ),
    "reasons": (
        "Three questions: what did you choose, what did it cost, what do you not know?",
        "I chose C1 = … in Stage …, because …. It takes … % of the MACs. In the ablation …. I do not know whether ….",
    ),
}


def hints(part, sentence):
    """The hints for a part, "stem" or "parameters", of which a check has said this sentence."""
    symptoms = [*OWN_SYMPTOMS.get(part, ()), *SYMPTOMS]
    symptom = next((hint for pattern, hint in symptoms if re.search(pattern, sentence)), NEXT)
    return (symptom, *PARTS[part])

"""Hints for the parts that a learner builds and for the ladder: where to look, what a part consists of, and nearly the
solution. The kinds of what a check has found choose the first; of several rows that fit, the upper counts."""

from ..compare.kinds import kinds

NAMES = ("forward missing", "attribute unknown", "module attribute unknown", "name unknown", "argument unknown")
STOPPED = ("stopped", "stopped at a name")
RELU = (
    *(
        "relu missing",
        "relu before norm",
        "relu before every norm",
        "relu in G",
        "other activation",
        "other activation at",
    ),
    *("relu after the sum missing", "relu before the sum", "relu on F", "relu on the shortcut"),
)
BLOCK_S = ("S forgotten", "S too large", "stride in F", "stride in G")
STRIDE = (
    *("stride", "stride elsewhere", "stride twice", "no stride in F", "no stride in G", *BLOCK_S),
    *("output shape", "late stride"),
)
POOLING = ("no pooling", "average pooling", "pooling numbers", "pooling rounds up")
PADDING = ("padding", "padding of a 3×3", "padding mode", "stem's padding mode", "padding of a 1×1", *POOLING)
MODES = (
    *("batch statistics", "batch statistics everywhere", "stored statistics", "stored statistics everywhere"),
    *("running statistics", "norm without weight", "norm without statistics"),
)
LEFT_OUT = ("projection's norm missing", "projection's norm left out")
NORM = ("norm left out", "no norm", "norm missing", *LEFT_OUT)
NO_WAY_BACK = (
    "cut off",
    "frozen",
    "backward stops",
    "stopped on the way back",
    "nothing runs back",
    "gradients differ",
)
MISSING = ("layer missing", "norm missing", "projection's norm missing")
NOT_CALLED = ("layers unused", "part skipped", "layer not called", "layer without effect", "shortcut not called")
ZEROS = ("zero channels", "zero channels, strided")
SHORTCUT = (
    *("projection missing", *LEFT_OUT, "no shortcut", "no F", "shortcut fed with F", *ZEROS),
    *("shortcut not called", "relu on the shortcut"),
)
HEAD = (
    "num_classes unused",
    "pooling of a fixed size",
    "head takes the largest",
    "head sums",
    "head takes one place",
    "head cut off",
    "head without bias",
    "after the head",
)
LINES = "Read the last lines of forward aloud: what is added to what"
OWN_NAME = "Give what flows through F a name of its own, f, so that x is still there."

# (where to look, kinds of what was found) for every part.
ANYWHERE = [
    ("Only names have to change: those after self., in __init__ and in forward.", ("other names",)),
    (
        "A function gives back what stands after return, and without one it gives None.",
        ("None returned", "None made"),
    ),
    ("Look for a layer without its self., or one that an earlier cell of the lesson made.", ("unregistered",)),
    ("Look at the return line of forward: which name stands there, and what does it stand for?", ("x returned",)),
    (
        "What computes in forward is recorded for the way back: .detach(), .data, no_grad and a second step in place "
        "break this record.",
        NO_WAY_BACK,
    ),
    ("Compare what __init__ makes with the drawing of the part: what is not in the drawing?", ("stray", "dropout")),
    (
        "Parameters are what an optimizer changes, buffers what BN keeps by itself.",
        ("not a parameter", "a parameter"),
    ),
    ("Read forward name by name: does each part run in the place that its name says?", ("in another's place",)),
    ("Begin in __init__, below super().__init__(): one line for each layer.", ("no layers",)),
    (
        "Count what stands in the brackets there, and what the def line of that class asks for.",
        ("layer made without", "class made without"),
    ),
    ("It is the first line of __init__, above every self.something.", ("super missing", "super brackets")),
    ("Compare it letter by letter, capitals too, with the place where it is made.", NAMES),
    (
        "Read the line at which it stopped, and print the shape before it: print(tuple(x.shape)).",
        (*STOPPED, "shortcut not called"),
    ),
]
SYMPTOMS = [
    *ANYWHERE,
    ("Write down the shape of F(x) and of the shortcut. Where they differ, the shortcut needs G.", SHORTCUT),
    ("Every nn.Conv2d of a ResNet ends with bias=False.", ("bias too many", "bias missing")),
    (
        "Write C → C1 → C1 → 4·C1 beside your layers: each takes what came before.",
        ("channels", "channels in a stage", "norm channels", *MISSING, "layer too many", "stacked"),
    ),
    ("Count your ReLUs: one after each BN inside F, one after the sum, none at the end of F or G.", RELU),
    (
        "Every convolution is followed by its own BN, with its number of channels.",
        (*NORM, *MODES, "eps", "eps everywhere", "differs after the block's layers"),
    ),
    ("S stands in your code exactly twice: once in F and once in G. Everything else has stride 1.", STRIDE),
    ("Put each kernel and padding into ⌊(W + 2·padding − kernel) / stride⌋ + 1.", PADDING),
]
NEXT = "Write the shape after each line of forward as a comment, and compare with the lesson's."

# The same for one part; those of every part follow.
OWN = {
    "stem": [
        *ANYWHERE,
        ("The four lines of forward stand in sections 4 to 7, one in each.", (*MISSING, "layers unused")),
        (
            "Into the convolution go C channels, out of it C1; BN has as many as come out.",
            ("channels", "norm channels"),
        ),
        ("One ReLU, after BN and before the pool.", RELU),
        ("Print the shape after each step, and compare with sections 4 to 7.", (*STRIDE, *PADDING)),
    ],
    "projection": [
        *ANYWHERE,
        ("G ends with its BN: its ReLU is the one after the sum.", RELU),
        ("The convolution needs the S that the class is given.", STRIDE),
        (
            "Into the convolution go C channels, out of it C_out; BN has as many as come out.",
            ("channels", "norm channels", "norm missing"),
        ),
        ("nn.Conv2d adds a bias unless you say bias=False.", ("bias too many",)),
        (
            "Two parts: made in __init__, called in forward one after the other.",
            (*MISSING, "norm left out", "layers unused"),
        ),
        ("kernel_size=1: a 1×1 looks at one position, and needs no padding.", None),
    ],
    "BTNK1": [
        ("Which of your parts does forward never mention?", ("layer not called", "shortcut not called")),
        (
            "Put kernel and padding of the 3×3 into ⌊(W + 2·padding − kernel) / stride⌋ + 1.",
            ("widths of the terms", *PADDING),
        ),
        *ANYWHERE,
        (OWN_NAME, ("shortcut fed with F",)),
        (
            "Write down the shapes of F(x) and of x for S = 1: if they differ, the shortcut needs G.",
            ("projection missing",),
        ),
        ("Every convolution is followed by its own BN, G's too.", NORM),
        ("S stands in your code exactly twice: for the 3×3 and for G. All else has stride 1.", STRIDE),
        (f"{LINES}?", ("stacked", "averaged", "multiplied", "differs after the block's layers")),
    ],
    "BTNK2": [
        *ANYWHERE,
        (OWN_NAME, ("stacked", "x overwritten", "input overwritten", "averaged", "multiplied", "no shortcut")),
        (
            "Write C → C/4 → C/4 → C beside your layers: each takes what came before.",
            ("channels", "norm channels", *MISSING, "layer too many"),
        ),
        (f"{LINES}, and what comes after?", ("differs after the block's layers",)),
        ("Nothing in an identity block has a stride.", STRIDE),
    ],
    "stage": [
        (
            "nn.Sequential runs what stands in its brackets, one block after the other.",
            ("no block", "module list", "unregistered"),
        ),
        ("Write down the shape of F(x) and of the shortcut. Where they differ, the shortcut needs G.", LEFT_OUT),
        ("The star hands over what is in a list one by one: print(*[1, 2, 3]).", ("a list made", "star missing")),
        (
            "[block] * 2 names one block twice. How often does your code call BTNK2(…)?",
            ("one block twice", "layer repeated"),
        ),
        (
            "For n = 3: how many BTNK1, how many BTNK2? How often does a loop run? And return?",
            ("number of blocks in the row",),
        ),
        (
            "Look at section 2 again: which block opens Stage 1, and which ones follow?",
            ("BTNK2 first", "BTNK1 later", "block without brackets"),
        ),
        (
            "Print the shape that BTNK1(64, 64, 1) gives for the x of section 2. That goes into block 2.",
            ("block's channels", "channels of a block", "channels of a convolution", "channels of a BN"),
        ),
        ("BTNK1 takes C, C1 and S, in this order: those that make_stage is given.", ("block's numbers",)),
        ("Read the line at which it stopped, and print the numbers that stand in it.", STOPPED),
    ],
    "network": [
        *ANYWHERE[:3],
        (
            "Read the line at which it stopped, word by word: is each name there the one under which it was made?",
            ("stopped at a name",),
        ),
        (
            "Print the shape after each line of forward: which part is given what it was not made for?",
            (*STOPPED, "shortcut not called"),
        ),
        ("One line in __init__ for each part, from self.stage0 = MyStem() on.", ("no layers",)),
        (
            "One line in forward for each part, x = self.stage0(x) and so on, and at the end a return.",
            NOT_CALLED,
        ),
        (
            "MyStem and MyHead are classes: their brackets make one. make_stage(…) gives a stage at once.",
            ("class not made",),
        ),
        (
            "n is the last of the four numbers of make_stage(C, C1, S, n).",
            ("blocks in a stage", *MISSING, "layer too many", "projection missing", "layer repeated"),
        ),
        (
            "S is the third of the four numbers of make_stage(C, C1, S, n). Which stage keeps its width?",
            ("S forgotten", "S too large"),
        ),
        ("The head gets 2,048 channels and gives num_classes scores. Nothing comes after it.", HEAD),
        ("The head gets 2,048 channels and gives num_classes scores. Nothing comes after it.", ("bias missing",)),
        (
            "Write in a row what the parts give: 64, 256, 512, … Each is the C of the next stage; C1 is a quarter of "
            "what a stage gives itself.",
            ("channels in a stage", "norm channels"),
        ),
    ],
    "ladder": [
        ("Look at the last line of each of your functions: it has its return or gives None.", ("None used",)),
        (
            "Read the line at which it stopped: only what the exercise names has to change.",
            (*STOPPED, "network stopped", "no logits"),
        ),
        ("Compare what __init__ makes with the reference's layers: the table lists what does not fit.", ("entries",)),
        (
            "Compare kernel, stride and padding of the pooling with lesson 01: others can give the same shape.",
            (*POOLING, "fixed pooling", *HEAD[1:4]),
        ),
        (
            "Look where the last bracket closes: what is inside the ReLU, and what outside?",
            (
                *RELU,
                *SHORTCUT,
                "step differs",
                "norm after the sum",
                "averaged",
                "multiplied",
                "stacked",
            ),
        ),
        ("All steps before the first that differs are right: look at what comes right after them.", None),
    ],
}

# Part → a hint about its structure, and one that is nearly the solution.
STRUCTURE = {
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
    "ladder": (
        "The stem ends with the largest of 3×3, stride 2, padding 1. A block adds F(x) and x, and then the ReLU.",
        "nn.MaxPool2d(3, stride=2, padding=…); return self.relu3(self.bn3(self.conv3(f)) + …)",
    ),
}


def hints_for(part, finding):
    """Return the hints for a part, "stem" or "ladder", in which this was found: from a nudge to nearly the solution."""
    names = set(kinds(finding))
    rows = [*OWN.get(part, ()), *SYMPTOMS, (NEXT, None)]
    return (next(hint for hint, of in rows if of is None or names & set(of)), *STRUCTURE[part])

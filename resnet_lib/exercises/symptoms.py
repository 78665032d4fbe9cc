"""Hints for the parts that a learner builds and for the ladder: where to look, what a part consists of, and nearly the
solution. The kinds of what a check has found choose the first; of several rows that fit, the upper counts."""

import re
from textwrap import dedent

from ..compare.kinds import kinds


def _entries(text):
    """Return the entries of a table, each on one line: they begin at its left edge, and may go on indented."""
    return [" ".join(entry.split()) for entry in re.split(r"\n(?=\S)", dedent(text).strip()) if entry.strip()]


def _groups(text):
    """Return name → kinds of a table `NAME: kind; kind`; a name of those above is all of that group."""
    found = {}
    for entry in _entries(text):
        name, _, of = entry.partition(": ")
        found[name] = _kinds(of, found)
    return found


def _kinds(text, groups):
    return tuple(kind for each in text.split("; ") for kind in groups.get(each, (each,)))


def hint_rows(text, parts=()):
    """Return (hint, kinds that it belongs to) for each row of a table, `kind; kind → hint`.

    Among the kinds a name of `GROUPS` is all of that group; `anything` is every kind, None. parts: tables, each of
    whose names, as a row of its own, stands for all its rows.
    """
    rows = []
    for entry in _entries(text):
        of, _, hint = entry.partition(" → ")
        rows += parts[entry] if entry in parts else [(hint, None if of == "anything" else _kinds(of, GROUPS))]
    return rows


def _parts(text):
    """Return part → its rows, of a table in which [part] stands above the rows of each."""
    found = {}
    for part in re.split(r"^(?=\[)", dedent(text), flags=re.MULTILINE)[1:]:
        name, _, rows = part.removeprefix("[").partition("]\n")
        found[name] = hint_rows(rows, found)
    return found


GROUPS = _groups(
    """
    NAMES: forward missing; attribute unknown; module attribute unknown; name unknown; argument unknown
    STOPPED: stopped; stopped at a name
    RELU: relu missing; relu before norm; relu before every norm; relu in G; other activation; other activation at;
        relu after the sum missing; relu before the sum; relu on F; relu on the shortcut
    BLOCK_S: S forgotten; S too large; stride in F; stride in G
    STRIDE: stride; stride elsewhere; stride twice; no stride in F; no stride in G; BLOCK_S; output shape; late stride;
        early stride
    POOLING: no pooling; average pooling; pooling numbers; pooling rounds up
    PADDING: padding; padding of a 3×3; padding mode; stem's padding mode; padding of a 1×1; POOLING
    MODES: batch statistics; batch statistics everywhere; stored statistics; stored statistics everywhere;
        running statistics; norm without weight; norm without statistics
    LEFT_OUT: projection's norm missing; projection's norm left out
    NORM: norm left out; no norm; norm missing; LEFT_OUT
    NO_WAY_BACK: cut off; frozen; backward stops; stopped on the way back; nothing runs back; no gradient comes;
        gradients differ
    MISSING: layer missing; norm missing; projection's norm missing
    NOT_CALLED: layers unused; part skipped; layer not called; layer without effect; shortcut not called
    ZEROS: zero channels; zero channels, strided
    SHORTCUT: projection missing; LEFT_OUT; no shortcut; no F; shortcut fed with F; ZEROS; shortcut not called;
        relu on the shortcut
    SUM: averaged; multiplied; subtracted
    HEAD: num_classes unused; pooling of a fixed size; head takes the largest; head sums; head takes one place;
        head cut off; head without bias; after the head
    """
)
OWN = _parts(
    """
    [any network]
    other names → Only names have to change: those after self., in __init__ and in forward.
    one for two → Count the brackets: each nn.ReLU() makes one module, however many names it is given.
    None returned; None made → A function gives back what stands after return, and without one it gives None.
    unregistered → Look for a layer without its self., or one that an earlier cell of the lesson made.

    [any part]
    any network
    x returned → Look at the return line of forward: which name stands there, and what does it stand for?
    NO_WAY_BACK → What computes in forward is recorded for the way back: .detach(), .data, no_grad and a second step in
        place break this record.
    stray; dropout → Compare what __init__ makes with the drawing of the part: what is not in the drawing?
    not a parameter; a parameter → Parameters are what an optimizer changes, buffers what BN keeps by itself.
    in another's place → Read forward name by name: does each part run in the place that its name says?
    no layers → Begin in __init__, below super().__init__(): one line for each layer.
    layer made without; class made without → Count what stands in the brackets there, and what the def line of that
        class asks for.
    super missing; super brackets → It is the first line of __init__, above every self.something.
    NAMES → Compare it letter by letter, capitals too, with the place where it is made.
    STOPPED; shortcut not called → Read the line at which it stopped, and print the shape before it:
        print(tuple(x.shape)).

    [stem]
    any part
    MISSING; layers unused → The four lines of forward stand in sections 4 to 7, one in each.
    channels; norm channels → Into the convolution go C channels, out of it C1; BN has as many as come out.
    RELU → One ReLU, after BN and before the pool.
    STRIDE; PADDING → Print the shape after each step, and compare with sections 4 to 7.

    [projection]
    any part
    RELU → G ends with its BN: its ReLU is the one after the sum.
    STRIDE → The convolution needs the S that the class is given.
    channels; norm channels; norm missing → Into the convolution go C channels, out of it C_out; BN has as many as come
        out.
    bias too many → nn.Conv2d adds a bias unless you say bias=False.
    MISSING; norm left out; layers unused → Two parts: made in __init__, called in forward one after the other.
    anything → kernel_size=1: a 1×1 looks at one position, and needs no padding.

    [BTNK1]
    layer not called; shortcut not called → Which of your parts does forward never mention?
    widths of the terms; PADDING → Put kernel and padding of the 3×3 into ⌊(W + 2·padding − kernel) / stride⌋ + 1.
    any part
    shortcut fed with F → Give what flows through F a name of its own, f, so that x is still there.
    projection missing → Write down the shapes of F(x) and of x for S = 1: if they differ, the shortcut needs G.
    NORM → Every convolution is followed by its own BN, G's too.
    STRIDE → S stands in your code exactly twice: for the 3×3 and for G. All else has stride 1.
    stacked; SUM; differs after the block's layers → Read the last lines of forward aloud: what is
        added to what?

    [BTNK2]
    any part
    stacked; x overwritten; input overwritten; SUM; no shortcut → Give what flows through F a name of
        its own, f, so that x is still there.
    channels; norm channels; MISSING; layer too many → Write C → C/4 → C/4 → C beside your layers: each takes what came
        before.
    differs after the block's layers → Read the last lines of forward aloud: what is added to what, and what comes
        after?
    STRIDE → Nothing in an identity block has a stride.

    [stage]
    no block; module list; unregistered → nn.Sequential runs what stands in its brackets, one block after the other.
    LEFT_OUT → Write down the shape of F(x) and of the shortcut. Where they differ, the shortcut needs G.
    a list made; star missing → The star hands over what is in a list one by one: print(*[1, 2, 3]).
    one block twice; layer repeated → [block] * 2 names one block twice. How often does your code call BTNK2(…)?
    number of blocks in the row → For n = 3: how many BTNK1, how many BTNK2? How often does a loop run? And return?
    BTNK2 first; BTNK1 later; block without brackets → Look at section 2 again: which block opens Stage 1, and which
        ones follow?
    block's channels; channels of a block; channels of a convolution; channels of a BN → Print the shape that BTNK1(64,
        64, 1) gives for the x of section 2. That goes into block 2.
    block's numbers → BTNK1 takes C, C1 and S, in this order: those that make_stage is given.
    STOPPED → Read the line at which it stopped, and print the numbers that stand in it.

    [network]
    any network
    stopped at a name → Read the line at which it stopped, word by word: is each name there the one under which it was
        made?
    STOPPED; shortcut not called → Print the shape after each line of forward: which part is given what it was not made
        for?
    no layers → One line in __init__ for each part, from self.stage0 = MyStem() on.
    NOT_CALLED → One line in forward for each part, x = self.stage0(x) and so on, and at the end a return.
    class not made → MyStem and MyHead are classes: their brackets make one. make_stage(…) gives a stage at once.
    blocks in a stage; MISSING; layer too many; projection missing; layer repeated → n is the last of the four numbers
        of make_stage(C, C1, S, n).
    S forgotten; S too large → S is the third of the four numbers of make_stage(C, C1, S, n). Which stage keeps its
        width?
    HEAD → The head gets 2,048 channels and gives num_classes scores. Nothing comes after it.
    bias missing → The head gets 2,048 channels and gives num_classes scores. Nothing comes after it.
    channels in a stage; norm channels → Write in a row what the parts give: 64, 256, 512, … Each is the C of the next
        stage; C1 is a quarter of what a stage gives itself.

    [ladder]
    None used → Look at the last line of each of your functions: it has its return or gives None.
    STOPPED; network stopped; no logits → Read the line at which it stopped: only what the exercise names has to change.
    entries → Compare what __init__ makes with the reference's layers: the table lists what does not fit.
    POOLING; fixed pooling; pooling of a fixed size; head takes the largest; head sums → Compare kernel, stride and
        padding of the pooling with lesson 01: others can give the same shape.
    RELU; SHORTCUT; step differs; norm after the sum; SUM; stacked → Look where the last bracket
        closes: what is inside the ReLU, and what outside?
    anything → All steps before the first that differs are right: look at what comes right after them.

    [every part, after its own]
    any part
    SHORTCUT → Write down the shape of F(x) and of the shortcut. Where they differ, the shortcut needs G.
    bias too many; bias missing → Every nn.Conv2d of a ResNet ends with bias=False.
    channels; channels in a stage; norm channels; MISSING; layer too many; stacked → Write C → C1 → C1 → 4·C1 beside
        your layers: each takes what came before.
    RELU → Count your ReLUs: one after each BN inside F, one after the sum, none at the end of F or G.
    NORM; MODES; eps; eps everywhere; differs after the block's layers → Every convolution is followed by its own BN,
        with its number of channels.
    STRIDE → S stands in your code exactly twice: once in F and once in G. Everything else has stride 1.
    PADDING → Put each kernel and padding into ⌊(W + 2·padding − kernel) / stride⌋ + 1.
    dilation → Print the convolution: what stands in its brackets that the exercise does not ask for?
    """
)
SYMPTOMS = OWN["every part, after its own"]
NEXT = "Write the shape after each line of forward as a comment, and compare with the lesson's."

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

"""The lessons' small predictions, by name: "01.cost" is asked in lesson 01. Here, and not in the lessons, so that the
answer is not on the screen."""

from .asked_inside import INSIDE
from .asked_later import LATER
from .prediction_widget import Prediction
from .questions import Question
from .short_questions import number_of, one_of


def _shape(text, answer, why):
    return Question(text, "shape", answer, why=why)


YES_NO = ("yes", "no")
DIMENSIONS = tuple(f"dimension {n}: {what}" for n, what in enumerate(("batch", "channels", "height", "width")))
FOUR = tuple(f"Stage {n}" for n in (1, 2, 3, 4))

ASKED = {
    # ── Lesson 00 ──
    "00.bytes": number_of(
        "A float32 has 32 bits. How many bytes does the photograph take, (3, 224, 224)?",
        602_112,
        "3 · 224 · 224 = 150,528 numbers of 4 bytes.",
        n150528="That is how many numbers there are. How many bytes does each take?",
        n4816896="Those are bits; 8 of them are a byte.",
        n200704="That is one channel; there are 3.",
    ),
    "00.largest": one_of(
        "For 32 photographs, which of the three takes most memory?",
        "the output of the first convolution, (64, 112, 112)",
        "The photographs have 3 · 224 · 224 numbers each; these maps have 64 · 112 · 112, five times as many.",
        {
            "the photographs, (3, 224, 224)": "They are the widest, but there are only 3 channels.",
            "the output of the last block, (2048, 7, 7)": "Many channels, but only 49 numbers in each.",
        },
    ),
    "00.parameters": one_of(
        "Which of these parts of ResNet-50 has most parameters?",
        "Stage 4, where the maps are 7 × 7",
        "Parameters grow with the channels and not with the width, and Stage 4 has the most channels.",
        {
            "Stage 0, where the maps are largest": "A parameter is used all over a map, but counted once.",
            "Stage 1, which follows": "Parameters grow with the channels, and the later stages have more of them.",
            "the head, for its 1,000 answers": "That is 1,000 times 2,048 weights, about two million. Is there more?",
        },
        (
            "Stage 0, where the maps are largest",
            "Stage 1, which follows",
            "Stage 4, where the maps are 7 × 7",
            "the head, for its 1,000 answers",
        ),
    ),
    # ── Lesson 01 ──
    "01.cost": number_of(
        "How many times the MACs does the 3×3 need at W = 224, compared with W = 56?",
        16,
        "Four times the width is four times as many places along each side.",
        n4="Four times along one side. And along the other?",
        n8="There are two sides, not three: 4 · 4.",
        n64="There are two sides, not three: 4 · 4.",
    ),
    "01.bn": one_of(
        "A faint channel goes through BN. What becomes of it?",
        "it keeps its shape and becomes as strong as the others",
        "Every channel gets mean 0 and deviation 1, whatever it had before.",
        {
            "it keeps its shape and stays faint": "BN divides each channel by that channel's own deviation.",
            "it loses its border, as in a convolution": "BN works on one number at a time; it has no window.",
        },
    ),
    "01.fresh": one_of(
        "A fresh BN in eval(): what does it do to its input?",
        "almost nothing",
        "It subtracts the stored mean, 0, and divides by the root of the stored variance, 1 (plus 0.00001).",
        {
            "it brings each channel to mean 0 and deviation 1": "That is training mode; eval() uses stored values.",
            "it raises an error, since it has seen no batch": "It has stored values from the start: 0 and 1.",
        },
    ),
    "01.relu": one_of(
        "After BN every channel has mean 0. What fraction of the numbers will ReLU set to 0?",
        "about half",
        "Around a mean of 0, about half of the numbers are negative.",
        {
            "about a tenth": "With mean 0 there are far more negative numbers than that.",
            "nearly all": "The positive ones stay, and there are about as many of them.",
        },
        ("about a tenth", "about half", "nearly all"),
    ),
    # ── Lesson 02 ──
    "02.nothing": one_of(
        "bn3's factor and offset are 0, and x is the output of a ReLU. What does the block return?",
        "x, unchanged",
        "F(x) = 0, so the sum is x. And x has no negative numbers that the last ReLU could cut off.",
        {
            "x, with its negative numbers set to 0": "x is the output of a ReLU. Has it any negative numbers?",
            "zeros": "F(x) is all zeros. What else goes into the sum?",
            "other random numbers, like its weights": "What does bn3 make of them, with factor and offset 0?",
        },
    ),
    "02.most": one_of(
        "256 → 64 → 64 → 256 channels. Which of the three convolutions has most weights?",
        "the 3×3, from 64 to 64",
        "9 · 64 · 64 = 36,864 against 256 · 64 = 16,384 in each 1×1.",
        {
            "the first 1×1, from 256 to 64": "It has 256 · 64 weights, one for each pair of channels. And the 3×3?",
            "the last 1×1, from 64 to 256": "It has as many as the first, 64 · 256. And the 3×3?",
        },
    ),
    "02.direct": one_of(
        "A single 3×3 on all 256 channels has how many times the weights of these three together?",
        "about 8 times",
        "9 · 256 · 256 against 17/16 · 256 · 256: 9 · 16/17 = 8.5.",
        {
            "about the same": "The three together have 17/16 · C² weights; a 3×3 on all channels has 9 · C².",
            "about 2 times": "The three together have 17/16 · C² weights; a 3×3 on all channels has 9 · C².",
            "about 64 times": "It has 9 · C² weights, and the three have a little more than C².",
        },
        ("about the same", "about 2 times", "about 8 times", "about 64 times"),
    ),
    "02.dimension": one_of(
        "F(x) has 128 channels and x has 256; height and width agree. Which dimension will PyTorch name?",
        DIMENSIONS[1],
        "The dimensions are counted from 0: batch, channels, height, width.",
        {name: "In that one the two agree." for name in DIMENSIONS if name != DIMENSIONS[1]},
        DIMENSIONS,
    ),
    "02.bias": one_of(
        "Every number gets 5 added, then BN follows. What remains of the 5?",
        "nothing",
        "It shifts the channel's mean by 5 as well, and BN subtracts that mean.",
        {
            "all of it": "BN subtracts the mean of each channel. What did the 5 do to that mean?",
            "a part, depending on the channel": "Every number of a channel was shifted by 5, so its mean was too.",
        },
    ),
    "02.means": one_of(
        "Twelve blocks of each kind. What happens to the mean?",
        "it grows in both, and faster where F cannot be negative",
        "An F that is never negative adds the same amount each time; the last ReLU lifts the other mean a little, too.",
        {
            "it grows only where F cannot be negative": "The last ReLU cuts off negative sums in BTNK2 as well.",
            "it stays constant in both": "An F that is never negative can only add.",
        },
    ),
    "02.basic": one_of(
        "Basic block or bottleneck, at C = 256 and W = 56: which costs more?",
        "the basic block, by a factor of about 17",
        "2 · 9 · C² against 17/16 · C².",
        {
            "the bottleneck, by a factor of 3/2": "It has three layers, but two are 1×1, and all are thin.",
            "the basic block, by a factor of about 2": "Its 3×3s see 256 channels, the bottleneck's only 64.",
        },
    ),
    # ── Lesson 03 ──
    "03.complaint": one_of(
        "F(x) is (512, 28, 28) and x is (256, 56, 56). Which dimension will PyTorch complain about?",
        DIMENSIONS[3],
        "PyTorch compares from the last dimension backwards and stops at the first that differs.",
        {
            DIMENSIONS[0]: "There the two agree.",
            DIMENSIONS[1]: "They differ there too, but PyTorch begins at the other end.",
            DIMENSIONS[2]: "They differ there too, but PyTorch begins at the last dimension.",
        },
        DIMENSIONS,
    ),
    "03.pixel": one_of(
        "Stride 2. From which position of x does row 3, column 4 of the output come?",
        "row 6, column 8",
        "Stride times position, counted from 0: 2 · 3 and 2 · 4.",
        {
            "row 3, column 4": "That would be stride 1.",
            "row 5, column 7": "Positions are counted from 0: 0, 2, 4, …",
            "rows 6 to 8, columns 8 to 10": "That is what a 3×3 would read; a 1×1 reads one position.",
        },
    ),
    "03.deviation": one_of(
        "F(x) and G(x) are outputs of fresh BNs in training mode. What is the deviation of each?",
        "1 for both",
        "So neither drowns out the other. Their means are 0: both have negative numbers, and so has the sum.",
        {
            "larger for F(x), which has three convolutions": "Each ends with a BN. What does BN do to a deviation?",
            "larger for G(x), which has no ReLU": "Each ends with a BN. What does BN do to a deviation?",
        },
    ),
    "03.same": one_of(
        "The same weights and the same shapes, with the stride in another place. The same numbers?",
        "no",
        "The 3×3 of v1 looks at positions that are twice as far apart.",
        {"yes": "In v1 the 3×3 sees only what the strided 1×1 has left."},
        YES_NO,
    ),
    "03.unseen": one_of(
        "How many pixels of x are never seen by F in v1, by F in v1.5, and by G?",
        "three quarters, none, three quarters",
        "A strided 1×1 reads one position in four; the windows of a 3×3 of stride 2 overlap.",
        {
            "half, none, half": "Stride 2 skips every second row and every second column.",
            "three quarters in all of them": "How wide is the window of v1.5's strided layer? How far does it move?",
            "none in any of them": "A 1×1 of stride 2 reads only rows and columns 0, 2, 4, …",
        },
    ),
    # ── Lesson 04 ──
    "04.numbers": one_of(
        "From one stage's output to the next, channels times positions: what happens to that count?",
        "it halves",
        "Twice the channels, a quarter of the positions.",
        {
            "it stays the same": "The channels double. By what factor do the positions fall?",
            "it doubles": "The channels double, but there are fewer positions.",
            "it falls to a quarter": "The positions do, but there are more channels.",
        },
    ),
    "04.one": one_of(
        "One BTNK2 of each stage. Which needs the most MACs?",
        "all the same",
        "From stage to stage the weights grow fourfold, and each is used at a quarter of the positions.",
        {
            "the one of Stage 1": "It has the most positions, but the fewest weights.",
            "the one of Stage 4": "It has the most weights, but each is used at only 49 positions.",
        },
    ),
    "04.exception": one_of(
        "Four BTNK1s. Whose MACs differ from those of the other three?",
        "Stage 1",
        "Its C is C1 and not 2·C1, and the others' first 1×1 works before the stride, at four times the positions.",
        {name: "It has C = 2·C1 and S = 2, like two others." for name in FOUR[1:]},
        FOUR,
    ),
    "04.stride": one_of(
        "S = 2 in Stage 1 as well. What changes?",
        "the shape and the MACs",
        "No weight depends on S. So weights would still load, without an error.",
        {
            "the shape, the MACs and the parameters": "Does the number of weights depend on the stride?",
            "the shape alone": "Half the width is a quarter of the positions at which every weight is used.",
            "nothing, since the pool has halved already": "It would halve once more.",
        },
    ),
    # ── Lesson 05 ──
    "05.pool": _shape(
        "(2048, 7, 7), averaged over all positions: which shape is left?",
        (2048, 1, 1),
        "One mean for each channel.",
    ),
    "05.stage3": _shape(
        "The cat goes through the network. Which shape comes out of Stage 3?",
        (1024, 14, 14),
        "4 · C1 = 4 · 256 channels, and 224 halved four times.",
    ),
    "05.ends": one_of(
        "Stage 0 has 9,536 parameters and the head 2,049,000. Which needs more MACs?",
        "Stage 0, more than 50 times as many",
        "Each weight of the head is used once, each of Stage 0 at 112 × 112 positions.",
        {
            "both about the same": "How often is each weight of the head used? And each of Stage 0's?",
            "the head, more than 200 times as many": "It has that many more weights. How often is each of them used?",
        },
    ),
    "05.agree": one_of(
        "Do torchinfo and anatomy count the same multiply-adds, to the last digit?",
        "no",
        "They define differently what counts; neither is wrong.",
        {"yes": "Does everything that has parameters also count as a multiplication? Tools differ in that."},
        YES_NO,
    ),
    "05.paper": one_of(
        "34 and 50 both have 3-4-6-3 blocks. Which needs more MACs?",
        "50, by a few percent",
        "Three layers per block and four times the channels, for the price of two 3×3.",
        {
            "34, by a few percent": "Nearly the same, but the other way round.",
            "50, by half": "It has half as many layers again, but two of three are 1×1.",
            "34, by half": "Its 3×3s cost about what a whole bottleneck costs.",
        },
    ),
    "05.groups": one_of(
        "ResNet's 3×3 has 36,864 parameters. What have ResNeXt's and the wide one's?",
        "an eighth, and four times as many",
        "Twice the channels inside are four times the weights, and 32 groups reduce that to 4/32.",
        {
            "1/32, and twice as many": "Both have twice the channels inside: four times the weights.",
            "the same, and four times as many": "32 groups do more than make up for twice the channels.",
        },
    ),
    "05.dilated": one_of(
        "What does dilation in Stages 3 and 4 cost?",
        "no parameters, but several times the MACs",
        "No weight changes its shape, but each is used at many more positions.",
        {
            "more parameters and more MACs": "A dilated 3×3 still has nine weights.",
            "nothing, it only moves the weights apart": "The stride is gone: how many positions are there now?",
        },
    ),
    **INSIDE,
    **LATER,
}


def ask(name):
    """Return the widget that asks a lesson's prediction of this name, "01.cost". KeyError where there is none."""
    return Prediction(ASKED[name])

"""The lessons' small predictions, by name: "01.cost" is asked in lesson 01. Here, and not in the lessons, so that the
answer is not on the screen. `short_questions` says how the table is read."""

from .asked_inside import INSIDE
from .asked_later import LATER
from .prediction_widget import Prediction
from .short_questions import questions

_EARLY = questions(
    """
    00.bytes: A float32 has 32 bits. How many bytes does the photograph take, (3, 224, 224)?
        ✓ 602112 → 3 · 224 · 224 = 150,528 numbers of 4 bytes.
        ✗ 150528 → That is how many numbers there are. How many bytes does each take?
        ✗ 4816896 → Those are bits; 8 of them are a byte.
        ✗ 200704 → That is one channel; there are 3.
    00.largest: For 32 photographs, which of the three takes most memory?
        ✓ the output of the first convolution, (64, 112, 112) → The photographs have 3 · 224 · 224 numbers each;
            these maps have 64 · 112 · 112, five times as many.
        ✗ the output of the last block, (2048, 7, 7) → Many channels, but only 49 numbers in each.
        ✗ the photographs, (3, 224, 224) → They are the widest, but there are only 3 channels.
    00.parameters: Which of these parts of ResNet-50 has most parameters?
        ✗ Stage 0, where the maps are largest → A parameter is used all over a map, but counted once.
        ✗ Stage 1, which follows → Parameters grow with the channels, and the later stages have more of them.
        ✓ Stage 4, where the maps are 7 × 7 → Parameters grow with the channels and not with the width, and Stage 4
            has the most channels.
        ✗ the head, for its 1,000 numbers → That is 1,000 times 2,048 weights, about two million. Is there more?

    01.cost: How many times the MACs does the 3×3 need at W = 224, compared with W = 56?
        ✓ 16 → Four times the width is four times as many places along each side.
        ✗ 4 → Four times along one side. And along the other?
        ✗ 8 → There are two sides, not three: 4 · 4.
        ✗ 64 → There are two sides, not three: 4 · 4.
    01.bn: A faint channel goes through BN. What becomes of it?
        ✓ it keeps its shape and becomes as strong as the others → Every channel gets mean 0 and deviation 1,
            whatever it had before.
        ✗ it keeps its shape and stays faint → BN divides each channel by that channel's own deviation.
        ✗ it loses its border, as in a convolution → BN works on one number at a time; it has no window.
    01.fresh: A fresh BN in eval(): what does it do to its input?
        ✓ almost nothing → It subtracts the stored mean, 0, and divides by the root of the stored variance, 1 (plus
            0.00001).
        ✗ it brings each channel to mean 0 and deviation 1 → That is training mode; eval() uses stored values.
        ✗ it raises an error, since it has seen no batch → It has stored values from the start: 0 and 1.
    01.relu: After BN every channel has mean 0. What fraction of the numbers will ReLU set to 0?
        ✗ about a tenth → With mean 0 there are far more negative numbers than that.
        ✓ about half → Around a mean of 0, about half of the numbers are negative.
        ✗ nearly all → The positive ones stay, and there are about as many of them.

    02.nothing: bn3's factor and offset are 0, and x is the output of a ReLU. What does the block return?
        ✗ other random numbers, like its weights → What does bn3 make of them, with factor and offset 0?
        ✓ x, unchanged → F(x) = 0, so the sum is x. And x has no negative numbers that the last ReLU could cut off.
        ✗ x, with its negative numbers set to 0 → x is the output of a ReLU. Has it any negative numbers?
        ✗ zeros → F(x) is all zeros. What else goes into the sum?
    02.most: 256 → 64 → 64 → 256 channels. Which of the three convolutions has most weights?
        ✓ the 3×3, from 64 to 64 → 9 · 64 · 64 = 36,864 against 256 · 64 = 16,384 in each 1×1.
        ✗ the first 1×1, from 256 to 64 → It has 256 · 64 weights, one for each pair of channels. And the 3×3?
        ✗ the last 1×1, from 64 to 256 → It has as many as the first, 64 · 256. And the 3×3?
    02.direct: A single 3×3 on all 256 channels has how many times the weights of these three together?
        ✗ about the same → The three together have 17/16 · C² weights; a 3×3 on all channels has 9 · C².
        ✗ about 2 times → The three together have 17/16 · C² weights; a 3×3 on all channels has 9 · C².
        ✓ about 8 times → 9 · 256 · 256 against 17/16 · 256 · 256: 9 · 16/17 = 8.5.
        ✗ about 64 times → It has 9 · C² weights, and the three have a little more than C².
    02.dimension: F(x) has 128 channels and x has 256; height and width agree. Which dimension will PyTorch name?
        ✗ dimension 0: batch → In that one the two agree.
        ✓ dimension 1: channels → The dimensions are counted from 0: batch, channels, height, width.
        ✗ dimension 2: height → In that one the two agree.
        ✗ dimension 3: width → In that one the two agree.
    02.bias: Every number gets 5 added, then BN follows. What remains of the 5?
        ✗ a part, depending on the channel → Every number of a channel was shifted by 5, so its mean was too.
        ✗ all of it → BN subtracts the mean of each channel. What did the 5 do to that mean?
        ✓ nothing → It shifts the channel's mean by 5 as well, and BN subtracts that mean.
    02.means: Twelve blocks of each kind. What happens to the mean?
        ✓ it grows in both, and faster where F cannot be negative → An F that is never negative adds the same amount
            each time; the last ReLU lifts the other mean a little, too.
        ✗ it grows only where F cannot be negative → The last ReLU cuts off negative sums in BTNK2 as well.
        ✗ it stays constant in both → An F that is never negative can only add.
    02.basic: Basic block or bottleneck, at C = 256 and W = 56: which costs more?
        ✓ the basic block, by a factor of about 17 → 2 · 9 · C² against 17/16 · C².
        ✗ the basic block, by a factor of about 2 → Its 3×3s see 256 channels, the bottleneck's only 64.
        ✗ the bottleneck, by a factor of 3/2 → It has three layers, but two are 1×1, and all are thin.

    03.complaint: F(x) is (512, 28, 28) and x is (256, 56, 56). Which dimension will PyTorch complain about?
        ✗ dimension 0: batch → There the two agree.
        ✗ dimension 1: channels → They differ there too, but PyTorch begins at the other end.
        ✗ dimension 2: height → They differ there too, but PyTorch begins at the last dimension.
        ✓ dimension 3: width → PyTorch compares from the last dimension backwards and stops at the first that
            differs.
    03.pixel: Stride 2. From which position of x does row 3, column 4 of the output come?
        ✗ row 3, column 4 → That would be stride 1.
        ✗ row 5, column 7 → Positions are counted from 0: 0, 2, 4, …
        ✓ row 6, column 8 → Stride times position, counted from 0: 2 · 3 and 2 · 4.
        ✗ rows 6 to 8, columns 8 to 10 → That is what a 3×3 would read; a 1×1 reads one position.
    03.deviation: F(x) and G(x) are outputs of fresh BNs in training mode. What is the deviation of each?
        ✓ 1 for both → So neither drowns out the other. Their means are 0: both have negative numbers, and so has
            the sum.
        ✗ larger for F(x), which has three convolutions → Each ends with a BN. What does BN do to a deviation?
        ✗ larger for G(x), which has no ReLU → Each ends with a BN. What does BN do to a deviation?
    03.same: The same weights and the same shapes, with the stride in another place. The same numbers?
        ✗ yes → In v1 the 3×3 sees only what the strided 1×1 has left.
        ✓ no → The 3×3 of v1 looks at positions that are twice as far apart.
    03.unseen: How many pixels of x are never seen by F in v1, by F in v1.5, and by G?
        ✗ half, none, half → Stride 2 skips every second row and every second column.
        ✗ none in any of them → A 1×1 of stride 2 reads only rows and columns 0, 2, 4, …
        ✗ three quarters in all of them → How wide is the window of v1.5's strided layer? How far does it move?
        ✓ three quarters, none, three quarters → A strided 1×1 reads one position in four; the windows of a 3×3 of
            stride 2 overlap.

    04.numbers: From one stage's output to the next, channels times positions: what happens to that count?
        ✗ it doubles → The channels double, but there are fewer positions.
        ✗ it falls to a quarter → The positions do, but there are more channels.
        ✓ it halves → Twice the channels, a quarter of the positions.
        ✗ it stays the same → The channels double. By what factor do the positions fall?
    04.one: One BTNK2 of each stage. Which needs the most MACs?
        ✓ all the same → From stage to stage the weights grow fourfold, and each is used at a quarter of the
            positions.
        ✗ the one of Stage 1 → It has the most positions, but the fewest weights.
        ✗ the one of Stage 4 → It has the most weights, but each is used at only 49 positions.
    04.exception: Four BTNK1s. Whose MACs differ from those of the other three?
        ✓ Stage 1 → Its C is C1 and not 2·C1, and the others' first 1×1 works before the stride, at four times the
            positions.
        ✗ Stage 2 → It has C = 2·C1 and S = 2, like two others.
        ✗ Stage 3 → It has C = 2·C1 and S = 2, like two others.
        ✗ Stage 4 → It has C = 2·C1 and S = 2, like two others.
    04.stride: S = 2 in Stage 1 as well. What changes?
        ✗ nothing, since the pool has halved already → It would halve once more.
        ✗ the shape alone → Half the width is a quarter of the positions at which every weight is used.
        ✓ the shape and the MACs → No weight depends on S. So weights would still load, without an error.
        ✗ the shape, the MACs and the parameters → Does the number of weights depend on the stride?

    05.pool: (2048, 7, 7), averaged over all positions: which shape is left?
        ✓ (2048, 1, 1) → One mean for each channel.
    05.stage3: The cat goes through the network. Which shape comes out of Stage 3?
        ✓ (1024, 14, 14) → 4 · C1 = 4 · 256 channels, and 224 halved four times.
    05.ends: Stage 0 has 9,536 parameters and the head 2,049,000. Which needs more MACs?
        ✓ Stage 0, more than 50 times as many → Each weight of the head is used once, each of Stage 0 at 112 × 112
            positions.
        ✗ both about the same → How often is each weight of the head used? And each of Stage 0's?
        ✗ the head, more than 200 times as many → It has that many more weights. How often is each of them used?
    05.agree: Do torchinfo and anatomy count the same multiply-adds, to the last digit?
        ✗ yes → Does everything that has parameters also count as a multiplication? Tools differ in that.
        ✓ no → They define differently what counts; neither is wrong.
    05.paper: 34 and 50 both have 3-4-6-3 blocks. Which needs more MACs?
        ✗ 34, by a few percent → Nearly the same, but the other way round.
        ✗ 34, by half → Its 3×3s cost about what a whole bottleneck costs.
        ✓ 50, by a few percent → Three layers per block and four times the channels, for the price of two 3×3.
        ✗ 50, by half → It has half as many layers again, but two of three are 1×1.
    05.groups: ResNet's 3×3 has 36,864 parameters. What have ResNeXt's and the wide one's?
        ✗ 1/32, and twice as many → Both have twice the channels inside: four times the weights.
        ✓ an eighth, and four times as many → Twice the channels inside are four times the weights, and 32 groups
            reduce that to 4/32.
        ✗ the same, and four times as many → 32 groups do more than make up for twice the channels.
    05.dilated: What does dilation in Stages 3 and 4 cost?
        ✗ more parameters and more MACs → A dilated 3×3 still has nine weights.
        ✓ no parameters, but several times the MACs → No weight changes its shape, but each is used at many more
            positions.
        ✗ nothing, it only moves the weights apart → The stride is gone: how many positions are there now?
    """
)
ASKED = _EARLY | INSIDE | LATER


def ask(name):
    """Return the widget that asks a lesson's prediction of this name, "01.cost". KeyError where there is none."""
    return Prediction(ASKED[name])

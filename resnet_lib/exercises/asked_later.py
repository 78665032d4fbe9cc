"""The small predictions of lessons 08 to 11, as `asked.py` has those of the others."""

from .questions import choice_question
from .short_questions import questions

LATER = questions(
    """
    08.bn: Without BN, from the first block to the last: what becomes of the two signals?
        ✗ both fade → A residual block adds something to x. Can its variance fall from block to block?
        ✗ both grow → A plain block has nothing but F. What holds its scale, once BN is gone?
        ✓ the plain one fades, the residual one grows → Each plain block passes on a little less; each residual
            block adds an F(x) to what is there already.
        ✗ the plain one grows, the residual one fades → The other way round: which of the two keeps adding?
    08.twins: After four epochs: which loss on the training pictures is lower?
        ✗ both are equal, as the weights were → The same weights, but the gradients differ. Remember the chart.
        ✗ the plain twin's, which is simpler → Simpler to write, but look at the gradient of its first blocks.
        ✓ the residual twin's → The plain twin's gradients differ a thousandfold between first and last block: it
            learns less, or nothing.
    08.order: Which of the four ends with by far the highest training loss?
        ✗ both of 101 layers, alike → They have the same depth, but only one has sums.
        ✓ plain, 101 layers → It hardly leaves the loss of guessing: its gradient is multiplied by 33 blocks.
        ✗ plain, 26 layers → It has 8 blocks to multiply the gradient. Which has more of them?
        ✗ residual, 101 layers → Its sums let the gradient pass. Which deep network has none?
    08.zero: γ = 0 in the last BN of every plain block: what does the network compute?
        ✗ its input, unchanged → That is a block with a shortcut. What else does a plain block have but F?
        ✗ the same as before → γ multiplies all that F computes. And it is 0.
        ✓ zeros, from its first block on → A plain block is ReLU(F(x)), and F(x) is zero. No gradient comes back
            either.
    08.start: Residual networks that start with γ = 0: how does their training loss end?
        ✓ higher than with γ = 1 → With BN and sums 50 layers train from either start, and blocks that start at zero
            must first become active.
        ✗ lower than with γ = 1 → A good reason, and right perhaps for long trainings. Here there are four epochs.
        ✗ the same as with γ = 1 → The blocks must first become active, and four epochs are short.
    08.remove: Which single blocks can be removed without much loss?
        ✗ any one of either twin → What is left of a plain block without F?
        ✗ most early ones of the residual twin, none of the plain one → How many blocks build on an early one?
        ✓ most late ones of the residual twin, none of the plain one → Without F a residual block still passes x on,
            and few blocks build on what a late one adds.
        ✗ none of either twin → What does a residual block without F still pass on?
    08.bowl: Around which of the two trained twins is the landscape smoother?
        ✗ the plain one → It was the one that was hard to train.
        ✓ the residual one → Its loss rises in every direction; the plain twin's has dents.
    08.concatenation: The MACs of the whole network with concatenation, compared with sums:
        ✗ a twelfth → Only the last of F's three convolutions outputs a twelfth. And the other two?
        ✓ about a fifth less → Only the last of F's three convolutions became cheap, and the first reads all
            channels gathered so far.
        ✗ about half → Count the three convolutions of F one by one: only one of them becomes cheap.
        ✗ the same → F's last convolution outputs a twelfth of the channels: that saves something.

    09.same: Which of the four also computes other outputs?
        ✗ eval(), inference_mode → It leaves out bookkeeping for gradients, and no arithmetic.
        ✗ eval(), no_grad → It stores nothing for gradients. Does that change an output?
        ✗ eval(), with gradients → It stores values for a backward pass. Does that change an output?
        ✓ train() → Its BNs use the mean and the variance of this batch. So it would be a mistake even if it were
            faster.
    09.head: One picture: which part of ResNet-50 has the fewest FLOPs per byte?
        ✗ Stage 0 → Its maps are large, but each of its weights is used at 112 × 112 positions.
        ✗ Stage 1 → Large maps to move, but also 56 × 56 uses of each weight.
        ✗ Stage 4 → Each of its weights is used at 49 positions. Is there a part where it is fewer?
        ✓ the head → Each of its two million weights is read for a single MAC.
    09.saved: BNs have no MACs in our count. What does folding them save?
        ✓ a trip through memory for every map → A BN reads every number of a map and writes it again.
        ✗ nothing, since the results are equal → A BN must be computed all the same: what does it read and write?
        ✗ parameters, about half of them → A BN has two per channel, far fewer than a convolution.
    09.half: How far off are the logits in bfloat16, relative to the largest?
        ✗ about a half → Two or three decimal digits are left of every number.
        ✓ about a hundredth → 7 bits are two or three decimal digits, and every step rounds.
        ✗ less than a millionth, as before → The steps before only reordered sums; this one rounds every number.

    10.last: At 224 pixels Stage 4 ends at 7 × 7. How wide are its maps at 32 pixels?
        ✓ 1 → 32 is halved five times: 16 and 8 in Stage 0, then 4, 2 and 1.
        ✗ 2 → Nearly: Stage 0 halves twice, and Stages 2, 3 and 4 once each.
        ✗ 4 → Stage 0 halves twice, and Stages 2, 3 and 4 once each.
        ✗ 7 → That is at 224 pixels, 32 times as wide as its maps.

    11.single: Strides sit in the wrong stages. Which of the three counts are wrong?
        ✗ all three → Does any weight depend on how large the maps are?
        ✗ shapes alone → How often is each weight used on a larger map?
        ✓ shapes and MACs → Strides decide the size of the maps, and with it the MACs. No weight depends on it.
        ✗ shapes and parameters → Does any weight depend on how large the maps are?
    11.winner: No ReLU in the stem, ten classes: for how many pictures does the same class win?
        ✗ for about a tenth, as by chance → The 16 blocks after the stem are healthy, and so is the pooling.
        ✗ for about half → More: the scores change, but does the largest change its place?
        ✓ for nearly all → Winning takes only the largest score, and that survives large errors.
    11.outside: A wrong preparation of the pictures: which examinations can find it?
        ✗ none, the network is healthy → Two of them look at more than the network: at its input, or its answers.
        ✗ shapes and counts → The pictures keep their shape. What else about them could be measured?
        ✓ statistics of the input, and the ladder's answers → Shapes do not change, and in training the first BN
            subtracts and divides whatever comes.
        ✗ training → In training mode the first BN uses each batch's own mean and deviation.
    11.ratio: Deviation that arrives, divided by the one kept: right preparation, and this patient's?
        ✗ about 1, and about 1 → The patient's input has another scale, and the stored deviation has not changed.
        ✗ about 1, and about 4 → The patient's values lie between 0 and 1. Are they spread more, or less?
        ✓ about 1, and about a quarter → The patient forgot to divide by a deviation of about 0.23.
        ✗ about a quarter, and about 1 → Which of the two resembles the pictures of the training?
    11.all: Does one examination find every patient? Is there a patient that none finds?
        ✗ no, and no → One of the 19 authors worried without cause.
        ✓ no, and yes → Each is blind to something; and one patient is healthy.
        ✗ yes, and no → Which would it be? Think of a mistake in the training, and of one in the shapes.
    """
)


# Exercise 8 of lesson 11: which quick examinations find a patient.
FOUND_BY = {
    "eager": "statistics and ladder",
    "quick": "the ladder",
    "single": "shapes, statistics and ladder",
    "polite": "statistics and ladder",
    "raw": "statistics and ladder",
    "thrifty": "statistics",
    "hoarder": "no quick one",
    "dead": "statistics",
    "wide-shortcut": "shapes, statistics and ladder",
    "paper": "MACs and ladder",
    "tidy": "the ladder",
    "default": "parameters and ladder",
    "sociable": "the ladder",
    "worried": "no quick one",
}
_LINES = {
    "Of the quick examinations, the ladder alone finds: eager, quick, single or polite": "quick",
    "Training alone finds: raw, thrifty, hoarder or dead": "hoarder",
    "Shapes right and MACs wrong: wide-shortcut, single, paper or quick": "paper",
    "No examination finds: tidy, default, sociable or worried": "worried",
}


def _patient(text, right):
    names = text.partition(": ")[2].replace(" or ", ", ").split(", ")
    return choice_question(f"{text}?", {name: f"{name} is found by {FOUND_BY[name]}." for name in names}, right)


PATIENT_QUESTIONS = {text: _patient(text, right) for text, right in _LINES.items()}

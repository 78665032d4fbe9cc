"""The small predictions of lessons 06 and 07, by name, as in `asked`."""

from .short_questions import questions

INSIDE = questions(
    """
    06.strict: The file has the published names, your network its own. What does strict=False load?
        ✗ all but the stem and the head → Compare a name from inside a block: is it the same in both?
        ✗ everything, since all shapes fit → PyTorch goes by names. Which of them are in both?
        ✓ nothing → No name is in both, so every tensor of your network stays as random as it was.
    06.alphabet: The same entries in alphabetical order, copied one after the other. What happens?
        ✗ an error, since a shape does not fit → Each tensor gets the next one of its shape, so all fit.
        ✗ no error, and all tensors are right → In which order do the tensors of a BN come then?
        ✓ no error, and many tensors are wrong → The four tensors of a BN have the same shape, and the alphabet puts
            bias before weight.
    06.first: Weights in alphabetical order: which step is the first that differs?
        ✗ stage0.conv → It has one tensor. Could another have taken its place?
        ✓ stage0.bn → A convolution has a single tensor, which went to the right place. A BN has four of one shape.
        ✗ stage1.0.conv1 → Which steps run before it, and which tensors have they?
        ✗ head.fc → Which steps run before it, and which tensors have they?
    06.harm: Which mistake changes the answers most?
        ✓ 0 to 255 → The numbers are hundreds of times too large, in every pixel.
        ✗ blue first → Two colours change places; brightness and shapes stay nearly as they are.
        ✗ not normalised → The numbers are shifted and shrunk a little. Is there one that changes them more?
        ✗ sideways → Every number stays, at another place. Is there one that changes the numbers themselves?
    06.same: Five photographs, your network and one that is wrong from Stage 2 on: for how many do both say the
        same?
        ✗ none → Its weights are right, and its strides nearly so. Does every answer change?
        ✗ two → Its weights are right, and its strides nearly so. More of the answers survive.
        ✓ four → So the winning class alone would have approved the wrong network four times.
        ✗ all five → The wrong one computes other numbers in three stages. Does that never change an answer?

    07.silent: A channel is silent where all its values are 0. At the end of which stage are most channels silent?
        ✗ Stage 0 → There a channel has many places where it can be on. Where has it fewest?
        ✗ Stage 1 → There a channel has many places where it can be on. Where has it fewest?
        ✗ Stage 2 → There a channel has many places where it can be on. Where has it fewest?
        ✗ Stage 3 → There a channel has many places where it can be on. Where has it fewest?
        ✓ Stage 4 → A channel has 49 places there where it could be on; at the end of Stage 1 it has 3,136.
    07.middle: How wide is that square, compared with all that the value can see?
        ✗ a tenth as wide → Each 3×3 carries in what lies around the middle. Is it as narrow as that?
        ✓ half as wide, or less → Many paths lead from a pixel in the middle to the value, and a single one from a
            corner.
        ✗ nearly as wide → That would be so if all pixels counted alike. How many paths lead from a corner?
    07.places: Grad-CAM for the same class at Stages 1 to 4: bright at the same places?
        ✓ no → Each stage has other maps, and the mean gradient of a map hides where it was used.
        ✗ yes → Each stage has other channels, with other weights.
    07.stage: On 107 photographs: which stage's quarter keeps most answers alone, and costs most when it is hidden?
        ✗ Stage 1 → Blocks come after it that may use a map here for the class, there against it.
        ✗ Stage 2 → Blocks come after it that may use a map here for the class, there against it.
        ✗ Stage 3 → Blocks come after it that may use a map here for the class, there against it.
        ✓ Stage 4 → Only an average and the linear layer follow, so there the gradient says what a map is worth at
            every place.
    07.random: Random weights: what does Grad-CAM show?
        ✓ bright spots, at other places → Some place always speaks for a class, and each map is drawn with its own
            scale.
        ✗ nothing: the maps are empty → A random network has maps and gradients, too.
        ✗ the same as for the trained network → The maps and the gradients are others. Could the pattern stay?
    """
)

"""The patients of the clinic, a table: parts of a ResNet with one mistake each, what their authors say, and what is
wrong. Their code is in broken.py."""

from . import broken, initialise_at_the_shortcut
from .case import Patient


def github(project, *numbers):
    """Threads of a project on GitHub as sources."""
    return tuple((f"{project} #{n}", f"https://github.com/{project}/issues/{n}") for n in numbers)


NO_PROJECTION_BN = "There is no BN after the projection's convolution."
RELU_BEFORE_SUM = "There is a ReLU on F(x), before the sum."
STRIDE_ON_1X1 = "The stride sits on the first 1×1 and not on the 3×3 (v1 instead of v1.5)."
BIASES = "The convolutions have biases, although a BN follows each of them."
NO_RELU_AFTER_SUM = "There is no ReLU after the sum."
SOFTMAX = "There is a softmax inside the network."
NO_EVAL = "eval() is forgotten where the network is used."
IN_PLACE = "Steps work in place, on tensors that somebody still wants to look at."
HEALTHY_ONE = "Nothing is wrong: it is a healthy ResNet, written in another way."
EPS = "A BN has another eps."
NO_TRAIN = "train() is forgotten after eval()."
WRONG_LABELS = "Pictures and labels were mixed up, so that no label belongs to its picture."

PATIENTS = {
    "eager": Patient(
        "It runs and learns, but within every stage the maps get brighter from block to block.",
        {"block": broken.EagerBlock},
        RELU_BEFORE_SUM,
        {
            NO_PROJECTION_BN: (
                "Then parameters would be missing, and the ladder would break inside the shortcut. Here all parameters "
                "are there, and the shortcut's steps are equal."
            ),
            NO_RELU_AFTER_SUM: (
                "Then the blocks would give out values below zero. Here the share below zero is 0, as in a healthy "
                "network."
            ),
            STRIDE_ON_1X1: (
                "Then the MACs would be lower, and Stage 1, which has S = 1, would be equal. Here it is Stage 1 that "
                "differs first, and the MACs are healthy."
            ),
        },
        "F(x) can no longer lower anything: every sum is x plus something that is not negative, so means grow from "
        "block to block. One ReLU, after the sum. It still learns, which is why it is found so late.",
        github("kuangliu/pytorch-cifar", 4) + github("arunpatala/residual.mnist", 8),
        {"out = F.relu(self.bn3(self.conv3(out)))": "out = self.bn3(self.conv3(out))"},
    ),
    "lean": Patient(
        "It runs, but the published weights leave some entries over.",
        {"block": broken.LeanBlock},
        NO_PROJECTION_BN,
        {
            BIASES: "Biases would be entries too many. Here parameters are missing.",
            "A whole block is missing in each stage.": (
                "Then far more parameters would be missing, and MACs too. Here every MAC is there."
            ),
            EPS: (
                "eps is no parameter, and another one would leave all counts as they are. Here parameters are missing."
            ),
        },
        "Every convolution of a ResNet has a BN after it, the projection's as well. Without one, G(x) comes with "
        "whatever mean and deviation x and the weights give it, and not on the same footing as F(x).",
        github("dalgu90/resnet-18-tensorflow", 9) + github("apache/mxnet", 2354),
        {
            "nn.Sequential(nn.Conv2d(C, C_out, 1, S, bias=False))": (
                "nn.Sequential(nn.Conv2d(C, C_out, 1, S, bias=False), nn.BatchNorm2d(C_out))"
            )
        },
    ),
    "halving": Patient(
        "It stops with an error about sizes, and Stage 1 does not even have a stride.",
        {"block": broken.HalvingBlock},
        "The projection is made only where the stride is not 1.",
        {
            "The projection has no stride.": (
                "Then sides would disagree, in dimension 2 or 3, and first in Stage 2. Here channels disagree, "
                "dimension 1, and it is Stage 1 that stops."
            ),
            "The block gives C1 channels instead of 4·C1.": (
                "Then F(x) would be the narrow one. The message names first F(x) and then the shortcut: it is the "
                "shortcut that has too few channels."
            ),
            "Stage 1 should have stride 2.": (
                "Then the error would go away and a wrong network remain: a ResNet-50 has S = 1 there. The max pool "
                "before it has halved W already."
            ),
        },
        "A projection is needed where the shape changes, and Stage 1 changes it without a stride: C goes in and 4·C "
        'come out. "Only when it downsamples" is right for ResNet-18 and wrong for ResNet-50.',
        github("pytorch/vision", 532, 457),
        {"if stride != 1:": "if stride != 1 or in_channels != out_channels:"},
    ),
    "wide-shortcut": Patient(
        "Stage 1 works, and then it stops with an error about sizes.",
        {"block": broken.WideShortcut},
        "The projection has no stride.",
        {
            "The projection is made only where the stride is not 1.": (
                "Then it would stop in Stage 1, where channels change and the stride is 1. Here Stage 1 works."
            ),
            "F has no stride.": (
                "Then F(x) would be the larger one. The message names first F(x), and that is the smaller."
            ),
            "The 3×3 has no padding.": (
                "Then it would stop in Stage 1 already, where F(x) would come out two pixels too small, and not half "
                "as large."
            ),
        },
        "The stride of a block is taken twice: once on the way through F, and once in G. Both have to arrive at the "
        "same W/S. Beware of maps of 1 × 1: there PyTorch stretches the smaller one and says nothing.",
        github("FrancescoSaverioZuppichini/glasses", 236) + github("AlexeyAB/darknet", 3809),
        {"nn.Conv2d(C, C1 * 4, 1, bias=False)": "nn.Conv2d(C, C1 * 4, 1, stride=S, bias=False)"},
    ),
    "paper": Patient(
        "The published weights load without complaint, and the answers are a little worse than published.",
        {"block": broken.PaperBlock},
        STRIDE_ON_1X1,
        {
            "The projection has no stride.": "Then the sum would stop with an error. Here all shapes are healthy.",
            RELU_BEFORE_SUM: (
                "Then Stage 1 would differ, and the MACs would be healthy. Here Stage 1 is equal and MACs are missing."
            ),
            "The stride sits on the last 1×1.": (
                "Then the 3×3 would run at the full W, and there would be more MACs, not fewer."
            ),
        },
        "This is v1, as in the paper, and no mistake by itself. With published PyTorch weights it is one: they were "
        "trained as v1.5. Names and shapes are the same, so nothing but the numbers, and the MACs, can tell.",
        github("pytorch/vision", 191, 457),
        {
            "nn.Conv2d(inplanes, planes, kernel_size=1, stride=stride, bias=False)": (
                "nn.Conv2d(inplanes, planes, kernel_size=1, bias=False)"
            ),
            "nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)": (
                "nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)"
            ),
        },
    ),
    "default": Patient(
        "It trains as well as any other, but somebody counted its parameters.",
        {"block": broken.DefaultBlock},
        BIASES,
        {
            NO_PROJECTION_BN: "Then there would be too few parameters. Here there are too many.",
            "The blocks have too many channels inside.": (
                "Then the MACs would grow as well. Here they are healthy to the last one."
            ),
            "The kernel of a convolution is too large.": (
                "Then the MACs would grow as well, and no more: here they are healthy."
            ),
        },
        "nn.Conv2d has a bias unless told otherwise. The BN after it subtracts the mean, and with it any bias, so it "
        "does nothing in training. It costs memory, and published weights have no such entry.",
        github("keras-team/keras-cv", 629) + github("calmiLovesAI/TensorFlow2.0_ResNet", 7),
        {
            "nn.Conv2d(C, C1, 1)": "nn.Conv2d(C, C1, 1, bias=False)",
            "S, padding=1)": "S, padding=1, bias=False)",
            "nn.Conv2d(C1, 4 * C1, 1)": "nn.Conv2d(C1, 4 * C1, 1, bias=False)",
            "nn.Conv2d(C, 4 * C1, 1, S)": "nn.Conv2d(C, 4 * C1, 1, S, bias=False)",
        },
    ),
    "thrifty": Patient(
        "The results are right. But the maps that my hooks collect have lost everything below zero.",
        {"block": broken.ThriftyBlock},
        IN_PLACE,
        {
            "The ReLU comes before the BN.": (
                "Then the ladder would break in the first block. Here it is equal at every step."
            ),
            RELU_BEFORE_SUM: "Then the blocks would give other numbers. Here the ladder is equal to the last bit.",
            HEALTHY_ONE: "Its results are healthy. But the statistics have a reading that no healthy network has.",
        },
        "A hook gets the tensor itself, not a copy. ReLU(inplace=True) and += write into the same tensor later. "
        "One ReLU used three times makes it worse: under one name there are three outputs.",
        github("pytorch/pytorch", 95617) + github("gcr/torch-residual-networks", 16),
        {"nn.ReLU(inplace=True)": "nn.ReLU()", "out += self.shortcut(x)": "out = out + self.shortcut(x)"},
    ),
    "tidy": Patient(
        "The published weights went in without an error, and its answers are nonsense.",
        {"block": broken.TidyBlock, "load": broken.load},
        "The weights were copied in their order, and not by their names.",
        {
            STRIDE_ON_1X1: (
                "Then MACs would be missing. Here they are all there, and parameters are named that hold other values "
                "than they should."
            ),
            "The BNs were never trained.": (
                "Then no convolution would differ. The first entry with other values is the weight of a convolution."
            ),
            NO_EVAL: (
                "The ladder runs both networks in eval(). What it names first are not results but weights: they are "
                "not the ones that were meant."
            ),
        },
        "This block makes its shortcut first, the published ones last. Where two entries have the same shape, the "
        "order decides, and conv3 gets what was meant for the shortcut. Loaders like this one are found in courses. "
        "load_state_dict goes by name, and says so when one does not fit.",
        (),
        {
            (
                "    left = list(published.values())\n"
                "    for mine in network.state_dict().values():\n"
                "        i = next(i for i, theirs in enumerate(left) if theirs.shape == mine.shape)\n"
                "        mine.copy_(left.pop(i))\n"
            ): ("    network.load_state_dict(published)\n")
        },
    ),
    "quick": Patient(
        "Every shape is right, and still the published weights give other answers.",
        {"stem": broken.QuickStem},
        "The max pool has a kernel of 2 instead of 3.",
        {
            "The 7×7 has the wrong padding.": (
                "Then the ladder would break at the convolution. Here it is equal, and so are BN and ReLU after it."
            ),
            "The pooling takes the average.": (
                "Then an average planted in a healthy network would give these numbers, and it does not."
            ),
            "There is no ReLU in the stem.": "Then values below zero would come out of Stage 0. Here there are none.",
        },
        "2/2 without padding and 3/2 with padding 1 both halve W, so no shape tells them apart. Pooling has no "
        "weights, so no count does either. Trained from the start it does as well. With weights that expect the "
        "other, it is wrong.",
        github("adobe/antialiased-cnns", 5),
        {"kernel_size=2, stride=2)": "kernel_size=3, stride=2, padding=1)"},
    ),
    "straight": Patient(
        "It is a strong baseline, and others repeat its results. The first maps have negative values.",
        {"stem": broken.StraightStem},
        "There is no ReLU in the stem.",
        {
            NO_RELU_AFTER_SUM: "Then the blocks would give out values below zero. Here only Stage 0 does.",
            "There is no BN in the stem.": "Then parameters would be missing. Here they are all there.",
            "The max pool pads with zeros.": (
                "Zeros would cut off what is below zero along the edge alone. Here values below zero come out "
                "everywhere, more than in any healthy stem."
            ),
        },
        "A max pool after BN is not linear either, so the network still learns: in the thread, results with and "
        "without this ReLU are nearly the same. But weights that were trained with it do not fit a stem without it.",
        github("michuanhaohao/reid-strong-baseline", 4),
        {"x = self.bn(x)": "x = self.bn(x).relu()"},
    ),
    "single": Patient(
        "It learns well, but it is slow, and it needs a lot of memory.",
        {"stages": broken.stages},
        "Only the first block of all has stride 2; the stages after it have none.",
        {
            "Stage 1 has stride 2 as well.": (
                "Then every stage would come out half as large as it should. Here Stage 1 is too small and Stages 3 "
                "and 4 are too large."
            ),
            "There is no max pool.": "Then Stage 0 would come out too large. Here it is healthy.",
            "The blocks have too many channels.": (
                "Then there would be more parameters. Here there are exactly as many as in a healthy network, and only "
                "the MACs have grown."
            ),
        },
        'Parameters do not depend on W, so the count is right to the last one. The comment in the original says "2, '
        'except for the very first block", and the code does the opposite. Larger maps do not harm learning, they '
        "only cost several times as much.",
        github("labmlai/annotated_deep_learning_paper_implementations", 83, 136, 205),
        {"stride = 2 if len(made) == 0 and": "stride = 2 if len(made) > 0 and"},
    ),
    "polite": Patient(
        "Training is slow, and the loss will not come down.",
        {"head": broken.Classifier},
        SOFTMAX,
        {
            "The learning rate is too low.": (
                "The healthy networks were trained at the same one. And the ladder, which trains nothing, finds its "
                "scores different."
            ),
            "The weights begin too small.": (
                "The ladder gives both networks the same weights, and the scores differ all the same."
            ),
            "The average pool takes the largest value.": (
                "Then the head's scores would be larger. Here all of them lie between 0 and 1 and none is negative."
            ),
        },
        "nn.CrossEntropyLoss computes a softmax itself. Given probabilities, it takes them for scores between 0 and 1, "
        "which can never be far apart: the loss cannot come near 0, and gradients are weak.",
        github("Lightning-Universe/lightning-bolts", 654) + github("ariecattan/SciCo", 2),
        {"                softmax=nn.Softmax(dim=1),\n": ""},
    ),
    "dead": Patient(
        "I begin every F at zero, as one should. It learns, but less than it could.",
        {"initialise": broken.initialise},
        "The first BN of each F begins at zero, and not the last.",
        {
            "The last BN of each F begins at zero.": (
                "That is how it should be, and how the healthy networks begin. In those, relu1 gives out something."
            ),
            "The learning rate is too low.": (
                "The healthy networks were trained at the same one. And the statistics were taken before any training."
            ),
            "The shortcuts are missing.": (
                "Then the ladder would find other numbers. With the same weights it is equal at every step."
            ),
        },
        "Zero after bn1 is zero after the ReLU, and a ReLU passes no gradient where it is zero. So conv1 and bn1 never "
        "learn anything: F is dead for ever. With bn3 at zero F begins at zero too, and bn3 itself learns at once. The "
        "ladder copies weights, and cures the patient while it looks. (The threads ask what beginning at zero is good "
        "for.)",
        github("tensorpack/tensorpack", 420) + github("google-deepmind/sonnet", 185),
        {'name.endswith("bn1")': 'name.endswith("bn3")'},
        {"initialise": initialise_at_the_shortcut},
    ),
    "sociable": Patient(
        "It says different things about the same picture, depending on what else I ask.",
        {"answer": broken.answer},
        NO_EVAL,
        {
            "Dropout is left on.": (
                "There is none in a ResNet. And dropout would give other answers each time, even in the same company."
            ),
            "The pictures are not normalised.": (
                "Then the answers would be wrong in the same way, whatever the company."
            ),
            "The weights were copied in their order.": (
                "Then the ladder would find other numbers. The network itself is equal at every step."
            ),
        },
        "In training mode BN takes mean and variance from the batch, so a picture's answer depends on its neighbours, "
        "and every question changes the stored statistics. The network is healthy; it is used wrongly.",
        github("fxia22/pointnet.pytorch", 19) + github("pytorch/tutorials", 203) + github("otenim/GLCIC-PyTorch", 18),
        {"    return network(pictures)": "    network.eval()\n    return network(pictures)"},
    ),
    "raw": Patient(
        "Trained from the start it does well. With published weights the same code is wrong about most pictures.",
        {"prepare": broken.prepare},
        "The pictures are not normalised: mean and deviation of ImageNet are missing.",
        {
            "The pictures are normalised twice.": (
                "Then what goes in would have a mean below zero and a deviation of more than 4. Here nothing is below "
                "zero."
            ),
            "The bytes are not divided by 255.": (
                "Then what goes in would run into the hundreds. Here its mean is between 0 and 1."
            ),
            NO_EVAL: (
                "Then the answers would depend on the company. Here two pictures get the same scores by themselves and "
                "among others; only not the right ones."
            ),
        },
        "The network is well, and its preparation is not. In training the first BN divides any scale out again, so the "
        "curve shows nothing. In eval() it uses the mean and variance that it has kept, and these are of normalised "
        "pictures. So prepare pictures as those were prepared that the weights were trained with.",
        github("apache/mxnet", 12063)
        + github("jchen42703/kits19-cnn", 22)
        + github("soumith/imagenet-multiGPU.torch", 18),
        {
            "    return pictures.to(torch.float32).div(255)": (
                "    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)\n"
                "    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)\n"
                "    return (pictures.to(torch.float32).div(255) - mean) / std"
            )
        },
    ),
    "hoarder": Patient(
        "It begins like any other. Then its loss jumps about and will not settle.",
        {"step": broken.train_step},
        "zero_grad() is forgotten.",
        {
            "The learning rate is too high.": (
                "The healthy networks are trained at the same one, and the first two losses are theirs to the digit."
            ),
            NO_TRAIN: "Then the first loss would differ already, and BN's running means would not move.",
            WRONG_LABELS: "Then the loss would stay near ln 20, that of a guess, and not leap far above it.",
        },
        "backward() adds to the gradients that are there. Step 1 is right, since there are none yet, so the loss of "
        "step 2 is right as well. From then on each step goes along the sum of all gradients so far. Where they are "
        "piled up on purpose, to make a large batch of small ones, they are cleared after each real step.",
        github("pytorch/pytorch", 47175)
        + github("yastrebksv/TennisCourtDetector", 7)
        + github("Hsintien-Ng/idinvert_pytorch-reproduced", 1),
        {"    loss.backward()\n": "    optimizer.zero_grad()\n    loss.backward()\n"},
    ),
    "sleepy": Patient(
        "I look at its accuracy before each step. It learns, but more slowly than others.",
        {"step": broken.train_and_watch},
        NO_TRAIN,
        {
            "zero_grad() is forgotten.": "Then the first two losses would be healthy. Here the first one differs.",
            "The learning rate is too low.": (
                "The healthy networks are trained at the same one. And a low one moves everything a little: here some "
                "entries have not moved at all."
            ),
            "Some weights are not given to the optimizer.": (
                "Then weights would stand still. What stands still here are running means and variances, which no "
                "optimizer moves."
            ),
        },
        "eval() holds until train() is called. In evaluation mode BN does not look at the batch: it uses mean 0 and "
        "variance 1, which it began with, and never learns others. So the network is trained as if it had no BN. Code "
        "that calls eval() in passing has to give the mode back.",
        github("wkentaro/pytorch-fcn", 57) + github("ServiceNow/LCFCN", 20) + github("facebookresearch/clevr-iep", 22),
        {"    optimizer.zero_grad()\n": "    network.train()\n    optimizer.zero_grad()\n"},
    ),
    "dizzy": Patient(
        "Its loss comes down as it should, and then it stays where it is, at about 1.4.",
        {"step": broken.train_augmented},
        "The pictures are changed at random in a way that makes their labels wrong.",
        {
            WRONG_LABELS: (
                "Then nothing could be learned, and the loss would stay near ln 20 ≈ 3.0. Here it comes halfway down."
            ),
            SOFTMAX: "Then it could not come below ln(e + 19) − 1 ≈ 2.08. And the ladder would find other scores.",
            "The learning rate is too low.": "The healthy networks are trained at the same one, and come far lower.",
        },
        "The 20 labels say which of five photographs a piece is from and which of four ways it is turned. Who turns it "
        "again leaves the photograph to be learned, and the turn to be guessed: ln 4 ≈ 1.39 is left for ever. Chance "
        "changes to pictures are good where the label does not mind, and only there. It is an old trap: no 6 turned "
        "upside down is a 6.",
        (),
        {
            (
                "    turns = torch.randint(4, (len(pictures),)).tolist()\n"
                "    pictures = torch.stack([x.rot90(n, (1, 2)) for x, n in zip(pictures, turns, strict=True)])\n"
            ): ("")
        },
    ),
    "worried": Patient(
        "I wrote it in my own way. There must be something wrong.",
        {"block": broken.WorriedBlock},
        HEALTHY_ONE,
        {
            NO_RELU_AFTER_SUM: "clamp(min=0) is a ReLU by another name: no block gives out a value below zero.",
            "The order in which its layers are made is wrong.": (
                "That order matters to those who copy weights by order. forward alone decides what is computed, and "
                "the ladder is equal."
            ),
            "The 3×3 loses pixels at the edge.": 'Then shapes would differ. "same" is a padding of 1 here.',
        },
        "Names, order and style are free. Equal at every step with the same weights is what counts. Every clinic "
        "should see a healthy patient now and then: an examination that always finds something finds nothing.",
    ),
}

# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10 · Capstone: a network of your own
#
# 120 minutes · all cells run in 300 seconds on two cores · after [lesson 05](05_resnet50.ipynb); [07](07_feature_maps.ipynb) helps with the maps · words: [glossary](glossary.ipynb#Training-and-comparing)
#
# So far the network was given, and you learnt the reasons for its numbers. Now you choose the numbers, within the
# budget of a thin ResNet-50. **Where would you spend it?** Drag first; your own design comes in section 4.

# %%
from resnet_lib.exercises import Progress
from resnet_lib.explorers import DesignExplorer

Progress("10", exercises=4)

# %%
DesignExplorer()

# %% [markdown]
# 1. Double **C1** of Stage 1. How far over the budget are you, in parameters and in MACs?
# 2. Undo that, and set **S** of Stage 4 to 1. What happens to its parameters, and to its MACs?
# 3. Begin with **deep and narrow**, then with **wide and shallow**. Which sees more of the picture?
#
# <details><summary>Answers</summary>
#
# 1. 3 % in parameters, 47 % in MACs: early stages have the large maps, where a channel costs MACs first.
# 2. The parameters stay the same, and its MACs grow more than threefold.
# 3. The deep one, by far: every 3×3 adds 2 · jump to what a value sees.
# </details>
#
# <details><summary>At the end of this lesson you can …</summary>
#
# - predict what a change to a network costs, before you measure it,
# - design a network within a budget of parameters and MACs, and give a reason for each of its numbers,
# - train it against ResNet-50, and distinguish a real difference from chance,
# - change one thing within the budget, and report everything on one page.
#
# Nearly all of the running time is training, which you can stop and resume. After section 4 (55 minutes) is a good
# place for a break.
# </details>
#
# **What you have just seen.** Every number has a price, in parameters or in MACs, and a use. What is it worth? That
# only training shows, and then you have to say how sure you can be that one of two networks is better.

# %%
from dataclasses import replace

import torch

from resnet_lib import Design, StageDesign, StemDesign, anatomy
from resnet_lib.exercises import ask
from resnet_lib.experiments import runs_folder
from resnet_lib.experiments.budget import budget_of, code, notes
from resnet_lib.experiments.tasks import photographs
from resnet_lib.experiments.training import FAST, Recipe
from resnet_lib.views import cost_bars

# %% [markdown]
# ## 1 · The task, and the budget
#
# The task needs no internet. It uses the five bundled photographs: small pieces are cut out, some are mirrored, and
# each is rotated by 0, 90, 180 or 270 degrees. A network has to say **which photograph a piece is from, and how it is
# rotated**: 5 · 4 = 20 classes.

# %%
task, recipe = photographs(), Recipe(epochs=3, batch=64, peak=0.05)
if FAST:  # set when the course is tested: the same cells on fewer pictures
    task, recipe = task.first(128), replace(recipe, epochs=1)
W = task.size

pictures, labels = task.train
print(f"{len(pictures):,} training pieces, {len(task.test[1]):,} test pieces, {W} × {W} pixels each")
task.sheet([labels.tolist().index(4 * photo + turn) for turn in range(4) for photo in range(5)], columns=5)

# %% [markdown]
# Here is one piece of each class: five photographs side by side, and from top to bottom upright, rotated left, upside
# down, rotated right.
#
# **What do you see?** Which classes would *you* mix up?
#
# <details><summary>What you can see</summary>You can often recognise the photograph from its colours alone. The
# rotation is harder: a piece of sky or of a table looks the same from all sides. Light from above, the slant of an edge
# or an eye reveal it. So a good network needs more than colours here, and no network can be right every time.</details>
#
# The training pieces are from the left halves of the photographs, the test pieces from the right halves. A network that
# memorises its pieces gains nothing in the test.
#
# **The budget** is the cost of a thin ResNet-50 for this task: the blocks you know, 3-4-6-3, with a quarter of the
# channels and a head for 20 classes. `Design.resnet` returns it as a *design*: numbers, without weights yet.
#
# It was made for pictures of 224 pixels. **Predict** what becomes of it at 32:

# %%
ask("10.last")

# %%
thin = Design.resnet(blocks=(3, 4, 6, 3), base=16, num_classes=len(task.classes))
print(code(thin))
budget = budget_of(thin, W)
print(
    f"\nthe budget: {budget.parameters:,} parameters and {budget.macs:,} MACs (FLOPs = 2 × MACs = {2 * budget.macs:,})"
)
cost_bars(anatomy(thin, W))

# %% [markdown]
# **What do you see?** Follow the shapes, then the parameters.
#
# <details><summary>What you can see</summary>Stage 0 already reduces the 32 × 32 pixels to 8 × 8. Stage 4 ends at 1
# × 1. There a 3×3 has one value in its middle, and padding around it: eight of its nine weights are multiplied by
# zeros. And Stage 4 has nearly two thirds of all parameters. Part of this budget is wasted.</details>
#
# `notes` finds such problems automatically:

# %%
for note in notes(thin, anatomy(thin, W)):
    print("▸", note)

# %% [markdown]
# ## 2 · What a change costs
#
# A convolution from C to C channels with a k × k kernel has k² · C² weights, and each of them is used at W² positions.
# Nearly all of a ResNet is convolutions. So:
#
# - **parameters grow with C²**, and do not depend on W,
# - **MACs grow with C² · W²**,
# - and twice the blocks cost about twice as much of both.
#
# ### Exercise 1 · predict three costs
# ● of ●●● · essential · 10 minutes
#
# Here are three changes to the thin ResNet-50. By what factor do parameters and MACs change? Write whole numbers or
# fractions, such as `(2, 1 / 9)` for "twice the parameters, a ninth of the MACs". You can ignore the stem and the head,
# which do not follow these rules exactly: the check allows 10 %. (The cell also prints a question of its own; its
# answer goes into `own`.)
#
# <details><summary>Hint: which of the two numbers depends on W?</summary>No weight depends on W, only the number of
# times it is used.</details>
# <details><summary>Hint for the third</summary>C is halved, and W is doubled at every step, since nothing is pooled.
# Take one after the other: (1/2)², then 2².</details>

# %% tags=["exercise"]
# Exercise 1: the factors of (parameters, MACs).
from resnet_lib.exercises import ask_own

twice_the_channels = ...  # every C and C1 doubled, in all stages
twice_the_picture = ...  # the same design, pictures of 64 × 64 instead of 32 × 32
half_the_channels_no_pool = ...  # every C and C1 halved, and Stage 0 without its MAXPOOL
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
ask_own("10", me)
own = ...

# %% tags=["solution"]
twice_the_channels = (4, 4)
twice_the_picture = (1, 4)
half_the_channels_no_pool = (1 / 4, 1)
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
own = 256 * 128 * 56**2 + (9 * 128 * 128 + 128 * 512 + 256 * 512) * 28**2

# %%
from resnet_lib.exercises import factors_question, predict

as_wide, half = (Design.resnet(base=base, num_classes=len(task.classes)) for base in (32, 8))
fine = replace(half, stem=replace(half.stem, pool=False))
at_32 = anatomy(thin, W)
predict(
    [
        factors_question("Twice the channels", at_32, anatomy(as_wide, W), channels=2),
        factors_question("Twice the picture", at_32, anatomy(thin, 2 * W), sides=2),
        factors_question("Half the channels, no pool", at_32, anatomy(fine, W), channels=1 / 2, sides=2),
    ],
    [twice_the_channels, twice_the_picture, half_the_channels_no_pool],
    exercise="10.1",
)

# %%
from resnet_lib.exercises import check_own

check_own("10", me, own)

# %% [markdown]
# The third is worth remembering. **Half the channels pay for twice the W**: the same MACs, and only a quarter of the
# parameters. A budget of MACs gives you the choice between *many* maps and *fine* maps.
#
# ## 3 · The designer
#
# This is the designer of the first screen, for the task's pictures. The line across each bar is the limit of the budget.
# What do you expect, and what happens?
#
# 1. Set **groups** of Stage 3 to 3. What is wrong, and which two numbers disagree? Which values would be legal?
# 2. Remove **MAXPOOL /2**. How do the parameters and the MACs change? Are you still within the budget?
# 3. Can Stage 2 begin with a BTNK2? Try it.

# %%
designer = DesignExplorer(thin, budget, task=task, recipe=recipe, folder=runs_folder() / "10")
designer

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. C1 = 64 cannot be divided into 3 groups. 2 or 4 would work: any number that divides 64. “mend it” takes the
#    nearest.
# 2. The parameters stay the same, since no weight depends on W. The MACs of Stages 1 to 4 grow fourfold, far over the
#    budget.
# 3. Yes, if the shortcut has nothing to change: S = 1, and equal numbers of input and output channels. Untick “C out =
#    4 · C1”, and set Stage 2's C out to 64 and its S to 1.
# </details>
#
# ## 4 · Your design
#
# Here are some thoughts to begin with. None of them is a rule.
#
# - **Where is W lost?** Each halving makes everything after it four times cheaper in MACs, and loses some of *where*
#   things are.
# - **Many blocks, or wide ones?** Twice the blocks cost as much as 1.4 times the channels.
# - **Does a value at the end see the whole picture?** If not, only the average in the head brings the parts together.
# - **What is the first convolution for?** 7×7 with stride 2 was designed for pictures of 224 pixels.
# - **A few minutes of training** are not much. Designs that learn *quickly* have an advantage here. With a hundred
#   times the steps the order may differ.
#
# You need not leave the designer to try an idea. Give the design a name, press **train it against the thin ResNet-50**,
# and both are trained below, side by side, as section 5 explains. For that, W must be the task's size, 32.
#
# Every run is saved in the folder `runs` under the *numbers* of its design: you can stop it, resume tomorrow, or rename
# the design, and the run is found again.
#
# ### Exercise 2 · design a network
# ●●● of ●●● · the heart of this lesson · 30 minutes
#
# Find a design in the designer that you can justify. Copy it from “this design as code” and paste it as `design`. It
# must
#
# - be legal, and within the budget for pictures of 32 × 32,
# - use at least half of the MACs: a design that saves its budget is hard to compare,
# - let a value at the end of Stage 4 see at least the 32 pixels of the picture,
# - differ from the thin ResNet-50.
#
# <details><summary>Hint: over in MACs, and far below in parameters</summary>Early stages have the large maps. Remove
# channels or blocks from Stages 1 and 2, or halve W earlier.</details>
# <details><summary>Hint: over in parameters</summary>Stage 4 has most of them. Use fewer channels there, groups, or one
# block less.</details>
# <details><summary>Hint: it does not see far enough</summary>A 3×3 adds 2 · jump. One block more in a late stage, where
# the jump is large, adds most.</details>

# %% tags=["exercise"]
# Exercise 2: your design, as the designer gives it.
design = ...  # paste it in the place of the three dots: Design(stem=…)

# %% tags=["solution"]
# The reasons for these numbers are in the report below.
design = Design(
    stem=StemDesign(C1=24, kernel=7, S=2, pool=True),
    stages=(
        StageDesign(blocks=1, C1=24, C_out=96, S=1, groups=1),
        StageDesign(blocks=1, C1=48, C_out=192, S=2, groups=1),
        StageDesign(blocks=1, C1=96, C_out=384, S=2, groups=1),
        StageDesign(blocks=1, C1=128, C_out=512, S=1, groups=1),
    ),
    num_classes=20,
)

# %%
from resnet_lib.exercises import check_design

checked = check_design(design, task, budget, unlike=thin, exercise="10.2")
# What is built and trained below until your design is right: fewer blocks, and more channels.
numbers = ((1, 24, 1), (1, 48, 2), (2, 96, 2), (1, 192, 2))
stages = tuple(StageDesign(blocks=n, C1=C1, C_out=4 * C1, S=S) for n, C1, S in numbers)
entry = design if checked.ok else replace(thin, stem=StemDesign(C1=24), stages=stages)
checked

# %% [markdown]
# A design is arithmetic. Build it, and you get a network of the parts from lessons 01 to 03. It has to output the
# shapes that the arithmetic promised:

# %%
network = entry.build().eval()
x = task.prepare(pictures[:1])
with torch.no_grad():
    for at in anatomy(entry, W).by_stage():
        x = network.get_submodule(at.name)(x)
        assert tuple(x.shape[1:]) == at.shape
        print(f"{at.name}: {tuple(x.shape[1:])}")

# %% [markdown]
# ## 5 · Against ResNet-50
#
# Your design and the thin ResNet-50 are now trained on the same pieces, in the same order, by the same recipe, each
# three times with different first weights. Which one will be better in the test, and by how much? Write it down before
# you continue.
#
# Two numbers show how far you can trust an accuracy.
#
# - **The error of one test.** With other test pieces the same network would have another accuracy. With N pieces, of
#   which a fraction p is classified correctly, the accuracy scatters by about √(p · (1 − p) / N). At p = 0.3 and N =
#   1,000 this is 1.4 percentage points.
# - **The spread from run to run.** With other first weights the same design ends at another accuracy. Only repeated
#   runs show by how much.

# %%
from resnet_lib.explorers import DesignTrainingExplorer

designs = {"my design": entry, "thin ResNet-50": thin}
comparison = DesignTrainingExplorer(designs, task, recipe, runs=3, folder=runs_folder() / "10")
comparison

# %% [markdown]
# **train** and **stop** are buttons. The next cell trains as well, in two to three minutes on two cores; ■ in the
# toolbar stops it, and running it again resumes, even tomorrow. Runs that you have trained in the designer are already there.
# Strong lines are the means of the runs, and weak lines the runs themselves.

# %%
comparison.run()

# %% [markdown]
# **What do you see?** Do the weak curves of the two designs mix, or are they separate? Does the smaller training loss
# go with the better test accuracy? Which network was faster, in seconds?
#
# <details><summary>What you can see</summary>Your numbers will differ, but three things are nearly always the same.
# The runs of one design differ by several percentage points in the test, more than the error of one test: in such short
# training the first weights matter. The training loss separates the designs more clearly than the test does: it is
# easier to learn the left halves than to recognise the right ones. And seconds do not follow MACs: many small layers
# take longer than a few large ones with the same MACs.</details>
#
# **Could it be chance?** Below the table is the **p-value** of a permutation test. Suppose that the designs were
# equally good. Then it would be chance which of the six accuracies belong to which design.
#
# There are 20 ways to split six numbers into three and three. The p-value is the fraction of these 20 relabellings
# whose difference of means is at least the one observed.
#
# With three runs each it cannot be less than 2 of 20 = 10 %: three runs never prove much. Four runs each reach 2 of 70
# = 3 %.
#
# None of these numbers says anything about *other* photographs. All test pieces are from the same five. A design that
# is better here is not necessarily better on ImageNet.
#
# ## 6 · Change one thing
#
# A whole design differs from ResNet-50 in many ways at once. Which of them mattered? To find out, change **one** thing
# and keep the costs. This is called an ablation.
#
# ### Exercise 3 · an ablation
# ●● of ●●● · the way to find out anything about networks · 25 minutes
#
# Make `changed` from your `design`: one idea, such as the pool, the kernel of the stem, groups, or deep against wide.
# You may adjust channels and blocks to keep the budget: the MACs of the two must be within 15 % of each other.
# Otherwise you would compare cheap with expensive. Say in `idea` what you changed, in a few words, and in `expected`
# what you expect: `"better"`, `"worse"` or `"no difference"`.
#
# <details><summary>Hint: how to change a design in code</summary>
# <code>replace(design, stem=replace(design.stem, kernel=5))</code>. Or load your design into the designer with
# <code>designer.design = design</code>, change it there, and paste its code.</details>
# <details><summary>Hint: the MACs differ too much</summary>The law of section 2: if W doubles, halve the channels. If the
# blocks double, divide the channels by about 1.4.</details>

# %% tags=["exercise"]
# Exercise 3: the same design with one thing changed, and the result you expect.
changed = ...
idea = ...  # in a few words: what you changed
expected = ...  # "better", "worse" or "no difference"

# %% tags=["solution"]
idea = "Stage 4 down to 1 × 1, and more channels in it"
changed = replace(design, stages=(*design.stages[:3], StageDesign(blocks=1, C1=216, C_out=864, S=2, groups=1)))
expected = "worse"

# %%
from resnet_lib.exercises import check_ablation

checked = check_ablation(changed, entry, task, budget, idea=idea, expected=expected, exercise="10.3")
checked

# %% [markdown]
# Each design gets four runs; three of yours already exist from section 5. A wrong expectation is not a mistake here:
# that is what an ablation is for.

# %%
both = {"changed": changed, "my design": entry} if checked.ok else {"my design": entry}
ablation = DesignTrainingExplorer(both, task, recipe, runs=4, folder=runs_folder() / "10")
ablation

# %%
ablation.run()

# %%
from resnet_lib.experiments.comparison import by_design, luck

accuracies = {name: [r.accuracy for r in runs if r.tests] for name, runs in by_design(ablation.results()).items()}
if len(both) == 2 and all(accuracies.values()):
    ours, theirs = accuracies["changed"], accuracies["my design"]
    chance = luck(ours, theirs)
    better = sum(ours) / len(ours) > sum(theirs) / len(theirs)
    found = "no difference" if chance > 0.1 else "better" if better else "worse"
    print(f"You expected: {expected}. Found: {found}; permutation test: p = {chance:.0%}.")
else:
    print("Two designs, trained and tested, are needed: solve exercise 3, and run the cell above until it finishes.")

# %% [markdown]
# **What do you see?** Whatever the result: which claim can you make, and which not?
#
# <details><summary>What you can see</summary>“No difference” means: none that four runs could show. There may well be a
# small one. “Better” or “worse” means: on this task, after this number of steps, with this recipe. It does not mean
# that the idea is good in general. And if you try many ideas and report the best one, part of what you report is
# chance: of ten ideas that change nothing, about one will have p below 10 %.</details>
#
# ## 7 · Look inside
#
# The explorer of lesson 07 works with any network, including yours: here with the first run of your design. `describe`
# tells it the class names and the size of the pictures.

# %%
from resnet_lib.explorers import PhotographExplorer

runs = comparison.race.runs.items() if comparison.race else ()
mine = next((run.best for name, run in runs if name.startswith("my design")), network).eval()
task.describe(mine, "my design")
PhotographExplorer(mine, picture="cat", step="stage1.0.relu3")

# %% [markdown]
# <details><summary>What to look for</summary>How wide are the maps at the end of each stage? Where can you still
# recognise the eyes? How many channels of Stage 4 are zero everywhere? (The network has only seen pieces, in which
# everything is larger. Do not expect it to be right about a whole photograph.)</details>
#
# ## 8 · The report
#
# The report is one page, ready to hand in: the design, its costs, your reasons, its results, and its feature maps.
#
# ### Exercise 4 · explain your design
# ●● of ●●● · a design is only as good as its reasons · 20 minutes
#
# Write your name in `author`, and in `why`, in 200 to 1,000 characters: what you chose and why, with at least two numbers, what the ablation showed,
# and what you do **not** know. An empty line starts a new paragraph.

# %% tags=["exercise"]
# Exercise 4: your name, and your reasons.
author = ...  # your name, in quotes
why = ...  # your reasons, between three quotes: """ … """

# %% tags=["solution"]
author = "A. Learner"
why = """ResNet-50 was designed for 224 pixels. At 32 its Stage 4 works on maps of 1 × 1, where eight of nine weights of each
3×3 meet only padding. So I halve W one time fewer: with S = 1 in Stage 4 its maps stay 2 × 2. I paid for that with
blocks: 4 instead of 16. A few minutes of training favour few layers, and a value at the end sees 75 pixels, more than
the width of 32. The remaining MACs went into channels, 50 % more in Stages 0 to 3. Half of the parameters are unused;
more channels would cost MACs, of which 98 % are used.

In the ablation Stage 4 went down to 1 × 1 after all, and got more channels for the MACs that this saves. The result is
in the lesson, with the p-value of the permutation test.

I do not know whether this order holds after a hundred times the steps, or on other photographs."""

# %%
from resnet_lib.exercises import check_reasons

checked = check_reasons(author, why, exercise="10.4")
checked

# %%
from resnet_lib.views.report import Report

report = Report(
    entry,
    W=W,
    budget=budget,
    author=author if checked.ok else "",
    why=why if checked.ok else "",
    results=comparison.results(),
    task=task,
    network=mine,
    photo="cat",
)
report

# %% [markdown]
# **What do you see?** Give the page to a friend who has not taken this course. Which number will your friend ask about
# first?
#
# <details><summary>What you can see</summary>Probably the test accuracy: it looks low compared with published
# results. That is why the page also gives the references: 5 % by guessing, and the thin ResNet-50 trained in the same
# way.</details>
#
# The report is saved beside your runs. It replaces an earlier report, but never another file. Open it in a browser:
# printed, or saved as PDF from there, it is one page. (**write the report**, below a training in the designer, makes
# the same page for the design trained there.)

# %%
from IPython.display import FileLink

runs_folder().mkdir(parents=True, exist_ok=True)
FileLink(report.write(runs_folder() / "my_design.html"))

# %% [markdown]
# ## 9 · Common mistakes
#
# - **The budget checked at another W.** MACs belong to a design *and* a size of picture. Parameters do not.
# - **Two things changed at once.** Then you cannot know which of them mattered.
# - **One run of each compared.** Three points of difference may come from the first weights alone.
# - **The test used to choose.** If you try twenty designs and report the accuracy of the best one, you have fitted the
#   test pictures as well. Keep some pictures aside that you use only once, at the end.
# - **MACs taken for seconds.** Groups save MACs. They rarely save as much time: look at the column of seconds.
# - **Training loss taken for quality.** It shows how well the network knows its training pieces.
#
# ## Summary
#
# - Parameters grow with C², MACs with C² · W². Half the channels pay for twice the W.
# - A design is legal where the shapes agree and groups divide C1. It is sensible where W is large enough in the last
#   stage, and a value at the end sees the whole picture.
# - Compare networks at the same cost, with the same recipe and the same pictures, over several runs.
# - A difference counts when it is larger than the differences between the runs of one design.
# - One change at a time, within the budget, shows what a part contributes.
#
# ## Recall
#
# 1. You double the channels of a stage and halve its W. What happens to its parameters and MACs?
# <details><summary>Answer</summary>Four times the parameters, and the same MACs.</details>
#
# 2. groups = 6 and C1 = 32. Why is that illegal, and what is the nearest legal number of groups?
# <details><summary>Answer</summary>32 channels cannot be divided into 6 groups of equal size. 4 and 8 are nearest: each
# is 2 away.</details>
#
# 3. When does a stage begin with a BTNK2?
# <details><summary>Answer</summary>When the shape does not change: S = 1, and equal numbers of input and output
# channels.</details>
#
# 4. You have three runs each, and every run of yours beats every run of the other design. How strong is that evidence?
# <details><summary>Answer</summary>A difference that large occurs by chance in 2 of 20 relabellings: p = 10 %. It is a
# hint; more runs would show more.</details>
#
# 5. A 3×3 runs on maps of 1 × 1. How many of its weights matter?
# <details><summary>Answer</summary>One of nine for each pair of channels, the middle one. The others meet padding.</details>
#
# ## What comes next
#
# In the last lesson, 11, you examine networks that other people built, find their mistakes, and fix them. You can also
# keep working on your design. `resnet_lib.experiments.tasks.cifar10()` downloads 60,000 real pictures, if you have
# internet: pass it to `DesignTrainingExplorer` as the task, and see whether the order of your designs holds. Everything
# you used is in `resnet_lib`, in short files that are meant to be read.

# %% [markdown] tags=["instructor"]
# ### Minute by minute
#
# | minutes | what |
# | --- | --- |
# | 10 | Section 1: the task, the budget, and what happens to ResNet-50 at 32 pixels |
# | 10 | Exercise 1 |
# | 5 | Section 3: the designer |
# | 30 | Exercise 2, in pairs |
# | 15 | Section 5: train, and predict while it runs |
# | 25 | Exercise 3 |
# | 5 | Sections 6 and 7: which claim can you make? |
# | 20 | Exercise 4 |
#
# ### Ask before you show
#
# - Before MAXPOOL is removed: "Parameters? MACs? Still within the budget?"
# - Before training: "Your design or the thin ResNet-50, and by how many points?" Collect it on paper.
# - After training: "Could this be chance? In how many of the 20 relabellings do the means differ as much?"
#
# ### What they may think
#
# - *A better accuracy is a better design.* With three runs each, p is never below 10 %.
# - *MACs are seconds.* Compare the two columns of the table.
# - *A wrong expectation is a wrong answer.* Finding that out is what the ablation is for.
#
# ### On the projector
#
# The DesignExplorer with two designs from the class, side by side in the table of section 5. Have each author defend
# one number.
#
# Exercises 2 to 4 have no single answer: the grader says whether a design is legal. Where it was chosen in the designer,
# and for the reasons, it shows you what was handed in.

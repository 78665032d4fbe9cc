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
# # Glossary
#
# The words and signs of the course. Click on a word to jump to its entry; you need not run anything. The number at the
# end of an entry is the lesson that uses the word first.
#
# **1–9**&emsp;[1×1 convolution](#1-1-convolution)<br>
# **A**&emsp;[ablation](#ablation) · [accuracy](#accuracy) · [activation](#activation) · [agreement](#agreement) ·
# [anatomy](#anatomy) · [arithmetic intensity](#arithmetic-intensity)<br>
# **B**&emsp;[basic block](#basic-block) · [batch](#batch) · [batch normalisation](#bn) · [β](#gamma) ·
# [bfloat16](#bfloat16) · [bias](#bias) · [block](#block) · [BN](#bn) · [bottleneck](#bottleneck) ·
# [broadcasting](#broadcasting) · [BTNK1](#btnk1) · [BTNK2](#btnk2) · [budget](#budget) · [buffer](#buffer) ·
# [byte](#float32)<br>
# **C**&emsp;[C](#c) · [C1](#c1) · [cache](#cache) · [cardinality](#resnext) · [channel](#channel) ·
# [channels last](#channels-last) · [checkpoint](#checkpoint) · [class](#class) ·
# [class activation mapping](#class-activation-mapping) · [concatenation](#concatenation) · [CONV](#conv) ·
# [convolution](#convolution)<br>
# **D–E**&emsp;[dead channel](#dead-channel) · [degradation](#degradation) · [deviation](#mean) · [dilated](#dilated) ·
# [dilation](#dilation) · [effective receptive field](#effective-receptive-field) · [epoch](#epoch) · [eps](#epsilon) ·
# [ε](#epsilon) · [eval()](#eval) · [examination](#examination) · [exploding gradient](#vanishing-gradient)<br>
# **F–G**&emsp;[feature map](#feature-map) · [flatten](#flatten) · [float16](#half-precision) · [float32](#float32) ·
# [floor](#floor) · [FLOPs](#flops) · [folding](#folding) · [freezing](#freezing) · [F(x)](#f-x) · [γ](#gamma) ·
# [GFLOP/s](#gflop-s) · [global average](#global-average) · [GMAC](#mac) · [Grad-CAM](#grad-cam) · [gradient](#gradient)
# · [graph](#graph) · [groups](#groups) · [G(x)](#g-x)<br>
# **H–K**&emsp;[H](#h) · [half precision](#half-precision) · [head](#head) · [He initialisation](#xavier) ·
# [hook](#hook) · [hyperthread](#hyperthread) · [identity](#identity) · [identity block](#btnk2) · [ImageNet](#imagenet)
# · [Imagenette](#imagenette) · [inference_mode](#no_grad) · [inplace](#inplace) · [joined](#joined) · [jump](#jump) · [k](#k) ·
# [kernel](#kernel)<br>
# **L–M**&emsp;[ladder](#ladder) · [latency](#latency) · [learning rate](#learning-rate) · [legal](#legal) ·
# [linear layer](#linear-layer) · [load_state_dict](#state_dict) · [logit](#score) · [loss](#loss) · [MAC](#mac) ·
# [main path](#main-path) · [map](#feature-map) · [MAXPOOL](#pooling) · [mean](#mean) · [median](#median) ·
# [meta](#meta) · [middle half](#middle-half) · [μ](#mean)<br>
# **N–P**&emsp;[no_grad](#no_grad) · [normalisation](#normalisation) · [occlusion](#occlusion) · [oneDNN](#onednn) ·
# [option A](#option-a) · [option B](#option-a) · [overfitting](#overfitting) · [padding](#padding) ·
# [parameter](#parameter) · [patient](#patient) · [pickle](#pickle) · [plain network](#plain-network) ·
# [pooling](#pooling) · [preparation](#preparation) · [probability](#softmax) · [projection](#projection) ·
# [projection block](#btnk1) · [p-value](#luck)<br>
# **Q–R**&emsp;[reach](#reach) · [receptive field](#receptive-field) · [ReLU](#relu) · [residual](#residual) ·
# [ResNeXt](#resnext) · [response](#response) · [ridge](#ridge) · [roofline](#roofline) · [running_mean](#running_mean)
# · [running_var](#running_mean)<br>
# **S**&emsp;[S](#s) · [score](#score) · [seed](#seed) · [sees](#receptive-field) · [sha256](#sha256) · [shape](#shape)
# · [shortcut](#shortcut) · [σ](#mean) · [softmax](#softmax) · [stage](#stage) · [Stage 0](#stage-0) ·
# [state_dict](#state_dict) · [stem](#stage-0) · [strict](#strict) · [stride](#stride) · [the sum](#the-sum)<br>
# **T–V**&emsp;[tensor](#tensor) · [thin network](#thin-network) · [throughput](#throughput) · [top-1](#top-1) ·
# [torch.compile](#torch-compile) · [torchinfo](#torchinfo) · [training mode](#training-mode) · [twin](#twin) ·
# [v1](#v1) · [v1.5](#v1) · [vanishing gradient](#vanishing-gradient) · [variance](#mean)<br>
# **W–Z**&emsp;[W](#w) · [warm-up](#warm-up) · [weights_only](#weights_only) · [Wide ResNet](#wide-resnet) · [x](#x) ·
# [Xavier](#xavier) · [y](#y) · [zero_init_residual](#zero_init_residual)

# %% [markdown]
# ## The notation, drawn
#
# Run the next cell (**Shift + Enter**). It draws one block twice: with the course's letters on its edges, and with the
# numbers that they stand for. Move C, W, C1 and S: the numbers change, and the letters stay. Blue is F(x), orange the
# shortcut, green the sum.

# %%
from resnet_lib.explorers import NotationExplorer

NotationExplorer()

# %% [markdown]
# ## Letters and shapes
#
# - <b id="tensor">tensor</b>: A box of numbers of one type, such as float32, with a shape. Everything that flows
#   through a network is one.&nbsp;[00](00_start_here.ipynb)
# - <b id="shape">shape</b>: The number of elements along each dimension of a tensor. The course writes (C, H, W):
#   channels, height, width. PyTorch puts the batch first.&nbsp;[00](00_start_here.ipynb)
# - <b id="batch">batch</b>: Several pictures in one tensor, (batch, C, H, W). Training always works on batches; a
#   single picture is a batch of 1.&nbsp;[00](00_start_here.ipynb)
# - <b id="channel">channel</b>: One of the C pictures in a tensor, H × W numbers. A photograph has three: red, green
#   and blue.&nbsp;[00](00_start_here.ipynb)
# - <b id="feature-map">feature map, map</b>: The output of a step of the network, or one channel of it: a picture of
#   where the network has found something.&nbsp;[00](00_start_here.ipynb)
# - <b id="c">C</b>: Input channels. BTNK2(C, W) outputs C channels again; BTNK1 outputs
#   4·C1.&nbsp;[00](00_start_here.ipynb)
# - <b id="w">W</b>: Input width in pixels; the height is the same. No weight depends on W: a block runs at any
#   W.&nbsp;[00](00_start_here.ipynb)
# - <b id="h">H</b>: Height of a tensor, in rows. The course's pictures are square, so H =
#   W.&nbsp;[00](00_start_here.ipynb)
# - <b id="c1">C1</b>: Channels inside a block, after its first 1×1 convolution. The block outputs 4·C1. In BTNK2, C1 =
#   C/4.&nbsp;[00](00_start_here.ipynb)
# - <b id="s">S</b>: The stride of a block or a layer: the output is W/S wide, rounded up. In ResNet-50, S is 1 or
#   2.&nbsp;[00](00_start_here.ipynb)
# - <b id="k">k</b>: The side of a kernel: a k×k convolution looks at k · k pixels.&nbsp;[02](02_btnk2.ipynb)
# - <b id="x">x</b>: The input of a block or a network.&nbsp;[00](00_start_here.ipynb)
# - <b id="f-x">F(x)</b>: The output of a block's main path for x: three convolutions, each with its
#   BN.&nbsp;[02](02_btnk2.ipynb)
# - <b id="g-x">G(x)</b>: The output of a BTNK1's projection for x, on the shortcut: a 1×1 convolution of stride S, and
#   a BN.&nbsp;[03](03_btnk1.ipynb)
# - <b id="y">y</b>: The output of a block: y = ReLU(F(x) + x) in BTNK2, y = ReLU(F(x) + G(x)) in
#   BTNK1.&nbsp;[02](02_btnk2.ipynb)
#
# [↑ all words](#Glossary)
#
# ## Convolution
#
# - <b id="convolution">convolution</b>: Slides a kernel over its input, and at every position multiplies, adds up, and
#   writes one number. Each kernel makes one channel: C_out kernels, C_out channels.&nbsp;[00](00_start_here.ipynb)
# - <b id="kernel">kernel</b>: The weights that a convolution slides over its input: a square of k · k for each of the C
#   input channels.&nbsp;[01](01_stem.ipynb)
# - <b id="conv">CONV</b>: The course's short form. CONV 7×7, 64, /2 is a convolution with 7×7 kernels, 64 channels out
#   and stride 2; without “/”, the stride is 1.&nbsp;[01](01_stem.ipynb)
# - <b id="1-1-convolution">1×1 convolution</b>: Looks at one position at a time and mixes the channels there into new
#   ones. It does not see neighbours, and changes the number of channels cheaply.&nbsp;[02](02_btnk2.ipynb)
# - <b id="stride">stride</b>: How many pixels a kernel moves from one position to the next. A stride of 2 leaves half
#   of each side, and a quarter of the numbers.&nbsp;[00](00_start_here.ipynb)
# - <b id="padding">padding</b>: Rows and columns of zeros around the input, so that a kernel can be centred on the
#   border. Padding (k − 1)/2 keeps the size at stride 1.&nbsp;[01](01_stem.ipynb)
# - <b id="dilation">dilation</b>: The distance between the pixels that a kernel looks at. 1 means neighbours; 2 skips
#   one pixel between any two.&nbsp;[01](01_stem.ipynb)
# - <b id="reach">reach</b>: The pixels that a kernel covers along one side: dilation · (k − 1) + 1. In lesson 07 also
#   the side of a value's receptive field, in pixels of the photograph.&nbsp;[01](01_stem.ipynb)
# - <b id="floor">floor</b>: ⌊a⌋ is a, rounded down. A convolution drops the remaining pixels on the right and at the
#   bottom: W_out = ⌊(W + 2·padding − reach) / stride⌋ + 1.&nbsp;[01](01_stem.ipynb)
# - <b id="bias">bias</b>: A constant that a layer adds to each of its channels. The convolutions of a ResNet have none,
#   since the next BN would subtract it again; the linear layer has one.&nbsp;[01](01_stem.ipynb)
# - <b id="pooling">pooling, MAXPOOL</b>: One number for each small window, without any weights. MAXPOOL takes the
#   largest; the stem's has 3×3 windows and stride 2.&nbsp;[01](01_stem.ipynb)
# - <b id="receptive-field">receptive field</b>: The square of the photograph that one number can depend on, in pixels
#   along a side; “sees” in tables. From step to step: r ← r + (k − 1) · jump.&nbsp;[01](01_stem.ipynb)
# - <b id="jump">jump</b>: The distance in pixels of the photograph between neighbouring numbers of a map. Every stride
#   S multiplies it.&nbsp;[01](01_stem.ipynb)
# - <b id="effective-receptive-field">effective receptive field</b>: The part of the receptive field that really
#   matters: a bright core in the middle, measured with gradients.&nbsp;[07](07_feature_maps.ipynb)
#
# [↑ all words](#Glossary)
#
# ## BN and ReLU
#
# - <b id="bn">BN</b>: Batch normalisation. It brings each channel to mean 0 and deviation 1, then multiplies by γ and
#   adds β: y = γ · (c − μ) / √(σ² + ε) + β.&nbsp;[01](01_stem.ipynb)
# - <b id="mean">mean, deviation, variance</b>: The mean μ of many numbers; the variance σ², the mean of their squared
#   distances from it; the deviation σ, its root.&nbsp;[01](01_stem.ipynb)
# - <b id="gamma">γ, β</b>: The learned factor and offset of a BN, one of each for every channel. PyTorch calls them
#   `weight` and `bias`. They start at 1 and 0.&nbsp;[08](08_why_residuals.ipynb)
# - <b id="running_mean">running_mean, running_var</b>: The running averages of mean and variance that a BN has gathered
#   in training. In `eval()` it uses these. They are buffers, not parameters.&nbsp;[06](06_published_weights.ipynb)
# - <b id="epsilon">ε, eps</b>: A small number, 0.00001 in PyTorch, added to the variance so that a BN never divides by
#   zero.&nbsp;[06](06_published_weights.ipynb)
# - <b id="eval">eval()</b>: Puts a network into evaluation mode: each BN uses its stored mean and variance. Forgetting
#   it gives wrong numbers and no error.&nbsp;[01](01_stem.ipynb)
# - <b id="training-mode">training mode</b>: The mode of a network after `train()`: each BN uses the mean and variance
#   of the current batch, and updates its running ones.&nbsp;[01](01_stem.ipynb)
# - <b id="relu">ReLU</b>: Negative numbers become 0, the others stay: ReLU(a) = max(a, 0).&nbsp;[01](01_stem.ipynb)
# - <b id="inplace">inplace</b>: A step that works in place overwrites its input with its result. It saves memory, but
#   the output of the previous step is lost. The course never does it.&nbsp;[02](02_btnk2.ipynb)
#
# [↑ all words](#Glossary)
#
# ## Blocks
#
# - <b id="block">block</b>: A few layers with a shortcut around them, the building unit of a ResNet. ResNet-50 has
#   16.&nbsp;[00](00_start_here.ipynb)
# - <b id="main-path">main path</b>: The path through a block's convolutions, F.&nbsp;[02](02_btnk2.ipynb)
# - <b id="shortcut">shortcut</b>: The path around F: x itself in BTNK2, G(x) in BTNK1.&nbsp;[02](02_btnk2.ipynb)
# - <b id="identity">identity</b>: A step that returns its input unchanged, `nn.Identity()` in PyTorch. The shortcut of
#   a BTNK2.&nbsp;[02](02_btnk2.ipynb)
# - <b id="projection">projection</b>: G: the 1×1 convolution of stride S with its BN, on the shortcut wherever F(x) and
#   x have different shapes.&nbsp;[03](03_btnk1.ipynb)
# - <b id="the-sum">the sum</b>: F(x) + x or F(x) + G(x), number by number. The two shapes must be
#   equal.&nbsp;[02](02_btnk2.ipynb)
# - <b id="residual">residual</b>: What F has to learn: the difference between the desired output and x. Hence the name
#   ResNet, residual network.&nbsp;[02](02_btnk2.ipynb)
# - <b id="bottleneck">bottleneck</b>: A block of three convolutions: 1×1 to fewer channels, 3×3 on those, 1×1 to many
#   again. Here BTNK1 and BTNK2.&nbsp;[02](02_btnk2.ipynb)
# - <b id="btnk2">BTNK2</b>: The identity block, BTNK2(C, W). C → C/4 → C/4 → C, then + x, then ReLU. The shape stays
#   the same.&nbsp;[02](02_btnk2.ipynb)
# - <b id="btnk1">BTNK1</b>: The projection block, BTNK1(C, W, C1, S). C → C1 → C1 → 4·C1, then + G(x), then ReLU. The
#   shape becomes (4·C1, W/S, W/S).&nbsp;[03](03_btnk1.ipynb)
# - <b id="basic-block">basic block</b>: The block of ResNet-18 and 34: two 3×3 convolutions and a
#   shortcut.&nbsp;[02](02_btnk2.ipynb)
# - <b id="option-a">option A, option B</b>: Two ways to make x fit where the shape changes: A takes every S-th pixel
#   and adds channels of zeros, B learns a projection. ResNet-50 uses B.&nbsp;[03](03_btnk1.ipynb)
# - <b id="v1">v1, v1.5</b>: The place of S in F: on the first 1×1 (v1, the paper) or on the 3×3 (v1.5, all published
#   PyTorch weights). Same weights, same shapes, different outputs.&nbsp;[03](03_btnk1.ipynb)
# - <b id="broadcasting">broadcasting</b>: PyTorch stretches a side of length 1 to any other length. Useful, but
#   dangerous before a sum: different shapes may be added without an error.&nbsp;[02](02_btnk2.ipynb)
#
# [↑ all words](#Glossary)
#
# ## The network
#
# - <b id="stage-0">Stage 0, stem</b>: CONV 7×7, 64, /2 → BN → ReLU → MAXPOOL 3×3, /2. It turns a photograph of 224 ×
#   224 into (64, 56, 56).&nbsp;[00](00_start_here.ipynb)
# - <b id="stage">stage</b>: A row of blocks with one output shape. A BTNK1 opens it, BTNK2s follow: 3, 4, 6 and 3
#   blocks in Stages 1 to 4 of ResNet-50. Stage 1 has S = 1 and C = C1; Stages 2 to 4 have S = 2 and C =
#   2·C1.&nbsp;[00](00_start_here.ipynb)
# - <b id="head">head</b>: The part after Stage 4: global average, flatten, linear layer. It outputs the
#   scores.&nbsp;[00](00_start_here.ipynb)
# - <b id="global-average">global average</b>: The mean of each channel over all positions: (2048, 7, 7) becomes (2048,
#   1, 1). So any W is accepted.&nbsp;[05](05_resnet50.ipynb)
# - <b id="flatten">flatten</b>: Turns (2048, 1, 1) into (2048). The batch dimension stays.&nbsp;[05](05_resnet50.ipynb)
# - <b id="linear-layer">linear layer</b>: Each output is a weighted sum of all inputs, plus a bias: a matrix product.
#   ResNet-50's turns 2,048 numbers into 1,000 scores.&nbsp;[05](05_resnet50.ipynb)
# - <b id="class">class</b>: One of the kinds of things that a network can distinguish: 1,000 in ImageNet, 10 in
#   Imagenette.&nbsp;[05](05_resnet50.ipynb)
# - <b id="score">score, logit</b>: The network's output for a class, before softmax. It may be negative; only
#   comparisons between scores are meaningful.&nbsp;[05](05_resnet50.ipynb)
# - <b id="softmax">softmax</b>: Turns each score into a probability: e to the power of the score, divided by the sum
#   over all scores. They add up to 1, whatever the picture shows.&nbsp;[05](05_resnet50.ipynb)
# - <b id="imagenet">ImageNet</b>: The collection of 1.3 million photographs in 1,000 classes on which the published
#   networks were trained.&nbsp;[05](05_resnet50.ipynb)
# - <b id="imagenette">Imagenette</b>: 13,394 photographs of ten of ImageNet's classes. The thin network was trained on
#   it.&nbsp;[06](06_published_weights.ipynb)
# - <b id="thin-network">thin network</b>: A trained ResNet-50 with a quarter of all channels (base = 16), small enough
#   to come with the course.&nbsp;[06](06_published_weights.ipynb)
# - <b id="groups">groups</b>: A convolution in g groups splits its channels into g parts that do not see each other:
#   1/g of the weights and MACs. C1 must be divisible by g.&nbsp;[05](05_resnet50.ipynb)
# - <b id="resnext">ResNeXt</b>: A ResNet whose 3×3 convolutions work in 32 groups, with wider blocks for the same cost.
#   Its paper calls the number of groups the cardinality.&nbsp;[05](05_resnet50.ipynb)
# - <b id="wide-resnet">Wide ResNet</b>: A ResNet with twice the channels inside its blocks, without
#   groups.&nbsp;[05](05_resnet50.ipynb)
# - <b id="dilated">dilated</b>: A ResNet whose late stages keep their width: stride 1, and dilated 3×3 kernels so that
#   each value sees as far as before.&nbsp;[05](05_resnet50.ipynb)
#
# [↑ all words](#Glossary)
#
# ## Cost
#
# - <b id="parameter">parameter</b>: A number that training changes: the weights of convolutions, γ and β, the linear
#   layer's weights and bias.&nbsp;[00](00_start_here.ipynb)
# - <b id="buffer">buffer</b>: A stored number that is not trained by gradients: running mean and variance, and the
#   count of batches.&nbsp;[06](06_published_weights.ipynb)
# - <b id="mac">MAC</b>: One multiplication with its addition, the unit of cost. A convolution needs k · k · C_in ·
#   C_out · W_out · W_out. One GMAC is 10⁹ MACs.&nbsp;[01](01_stem.ipynb)
# - <b id="flops">FLOPs</b>: Floating-point operations. In this course FLOPs = 2 × MACs. Others say FLOPs and mean MACs:
#   always check.&nbsp;[03](03_btnk1.ipynb)
# - <b id="anatomy">anatomy</b>: The library's table of a network's steps, with shape, parameters, MACs and receptive
#   field. Pure arithmetic: the network does not run.&nbsp;[04](04_stages.ipynb)
# - <b id="torchinfo">torchinfo</b>: A widely used tool that runs a network once and reports what it saw. It counts a
#   little more than MACs: BN's parameters and the bias.&nbsp;[05](05_resnet50.ipynb)
# - <b id="meta">meta</b>: A “device” of PyTorch whose tensors have a shape but no numbers. Good for counting; if you
#   move your network there, you lose its weights.&nbsp;[04](04_stages.ipynb)
#
# [↑ all words](#Glossary)
#
# ## Weights and files
#
# - <b id="checkpoint">checkpoint</b>: A file of trained weights: a dictionary name → tensor, and nothing else. It
#   contains neither the preparation of pictures nor the places of strides.&nbsp;[03](03_btnk1.ipynb)
# - <b id="state_dict">state_dict</b>: All parameters and buffers of a network, by name. `load_state_dict` puts such a
#   dictionary into a network and compares names and shapes.&nbsp;[01](01_stem.ipynb)
# - <b id="strict">strict</b>: `load_state_dict(…, strict=False)` takes what fits and ignores the rest without an error.
#   Perhaps nothing fits.&nbsp;[06](06_published_weights.ipynb)
# - <b id="pickle">pickle</b>: Python's format for saving objects. Loading a pickle can run any function, so never load
#   one from an unknown source.&nbsp;[06](06_published_weights.ipynb)
# - <b id="weights_only">weights_only</b>: `torch.load(…, weights_only=True)` accepts tensors and plain data, and
#   refuses everything else.&nbsp;[06](06_published_weights.ipynb)
# - <b id="sha256">sha256</b>: 64 hexadecimal digits computed from all bytes of a file. A different file has a different
#   sha256, so you can verify a download.&nbsp;[06](06_published_weights.ipynb)
# - <b id="preparation">preparation</b>: The steps from a photograph to a network's input: size, square, order of
#   colours, range 0 to 1, normalisation. It belongs to the weights.&nbsp;[06](06_published_weights.ipynb)
# - <b id="normalisation">normalisation</b>: Of an input: subtract each colour's mean over the training pictures and
#   divide by its deviation. Of a feature map: BN.&nbsp;[01](01_stem.ipynb)
# - <b id="accuracy">accuracy</b>: The fraction of pictures whose most probable class is
#   right.&nbsp;[06](06_published_weights.ipynb)
# - <b id="top-1">top-1</b>: Accuracy as published for ImageNet, in percent. (Top-5 counts it as right if the class is
#   among the five most probable.)&nbsp;[06](06_published_weights.ipynb)
# - <b id="float32">float32</b>: A number in 32 bits, 4 bytes: PyTorch's usual type. Eight bits are a
#   byte.&nbsp;[00](00_start_here.ipynb)
# - <b id="half-precision">half precision</b>: A number in 16 bits, here float16: less range and about three decimal
#   digits.&nbsp;[06](06_published_weights.ipynb)
# - <b id="bfloat16">bfloat16</b>: A number in 16 bits with the range of float32 and two to three decimal digits. Fast
#   where the processor has units for it.&nbsp;[09](09_making_it_fast.ipynb)
#
# [↑ all words](#Glossary)
#
# ## Looking inside
#
# - <b id="activation">activation</b>: The output of a step while a network runs. The library's `activations` keeps the
#   ones that you name.&nbsp;[05](05_resnet50.ipynb)
# - <b id="hook">hook</b>: A function that PyTorch calls after a module has run, with the module's
#   output.&nbsp;[07](07_feature_maps.ipynb)
# - <b id="gradient">gradient</b>: How much one number changes when another is changed a little. Training follows it;
#   lesson 03 uses it to find which pixels matter at all.&nbsp;[03](03_btnk1.ipynb)
# - <b id="response">response</b>: Of a channel: the mean of its absolute values for one
#   picture.&nbsp;[07](07_feature_maps.ipynb)
# - <b id="dead-channel">dead channel</b>: A channel that is zero at every position of every picture. A channel that is
#   silent on a few pictures is not necessarily dead.&nbsp;[07](07_feature_maps.ipynb)
# - <b id="class-activation-mapping">class activation mapping</b>: The maps of Stage 4, weighted with the linear layer's
#   weights for one class: the places that speak for it.&nbsp;[07](07_feature_maps.ipynb)
# - <b id="grad-cam">Grad-CAM</b>: The same at any step, with gradients instead of the linear layer's weights: $L =
#   \mathrm{ReLU}(\sum_k \alpha_k A^k)$, where $A^k$ are the maps and $\alpha_k$ is the mean over map k of the logit's
#   gradient.&nbsp;[07](07_feature_maps.ipynb)
# - <b id="occlusion">occlusion</b>: Cover a patch of the photograph, run the network again, and see how far the
#   probability falls. One forward pass for each place.&nbsp;[07](07_feature_maps.ipynb)
#
# [↑ all words](#Glossary)
#
# ## Training and comparing
#
# - <b id="loss">loss</b>: The number that training minimises. Here cross-entropy: minus the logarithm of the
#   probability given to the right class.&nbsp;[08](08_why_residuals.ipynb)
# - <b id="epoch">epoch</b>: One pass through all training pictures.&nbsp;[08](08_why_residuals.ipynb)
# - <b id="learning-rate">learning rate</b>: The size of a training step against the
#   gradient.&nbsp;[08](08_why_residuals.ipynb)
# - <b id="seed">seed</b>: The start value of a random number generator. The same seed gives the same weights and the
#   same order of pictures.&nbsp;[08](08_why_residuals.ipynb)
# - <b id="xavier">Xavier</b>: An initialisation with smaller weights than He initialisation, which ResNets use and
#   which is designed for layers before a ReLU.&nbsp;[08](08_why_residuals.ipynb)
# - <b id="plain-network">plain network</b>: A network without shortcuts: every block is
#   ReLU(F(x)).&nbsp;[02](02_btnk2.ipynb)
# - <b id="twin">twin</b>: One of a pair of networks, plain and residual, with the same layers and initial weights. Only
#   “+ x” differs.&nbsp;[08](08_why_residuals.ipynb)
# - <b id="degradation">degradation</b>: A deeper network is worse even on its training pictures. ResNets were invented
#   to prevent that.&nbsp;[08](08_why_residuals.ipynb)
# - <b id="overfitting">overfitting</b>: A network is good on its training pictures and worse on others: it has
#   memorised them.&nbsp;[02](02_btnk2.ipynb)
# - <b id="vanishing-gradient">vanishing gradient</b>: The gradient is multiplied at every block. Factors below 1 make
#   it vanish with depth; factors above 1 give an exploding gradient.&nbsp;[08](08_why_residuals.ipynb)
# - <b id="zero_init_residual">zero_init_residual</b>: Start the last BN of every F with γ = 0. Each block then starts
#   as its shortcut.&nbsp;[08](08_why_residuals.ipynb)
# - <b id="concatenation">concatenation</b>: The channels of x and F(x) are joined, not added, as in
#   DenseNet.&nbsp;[08](08_why_residuals.ipynb)
# - <b id="agreement">agreement</b>: The fraction of pictures for which a changed network gives the same answer as
#   before. It needs no labels.&nbsp;[08](08_why_residuals.ipynb)
# - <b id="budget">budget</b>: The maximum of parameters and MACs for your design.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="legal">legal</b>: A design whose shapes agree at every sum, and whose groups divide
#   C1.&nbsp;[10](10_capstone.ipynb)
# - <b id="ablation">ablation</b>: An experiment that changes one thing, keeps everything else and the cost, and
#   measures.&nbsp;[10](10_capstone.ipynb)
# - <b id="luck">p-value</b>: Of a permutation test: the fraction of relabellings whose difference of means is at least
#   the one observed. A small p-value speaks against chance.&nbsp;[10](10_capstone.ipynb)
#
# [↑ all words](#Glossary)
#
# ## Speed
#
# - <b id="warm-up">warm-up</b>: An untimed run before the timed ones. The first run is often
#   slower.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="median">median</b>: The middle value of many timings, half of them above and half
#   below.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="middle-half">middle half</b>: The half of all timings around the median, a measure of their
#   spread.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="gflop-s">GFLOP/s</b>: 10⁹ floating-point operations per second, a speed. 1 MAC counts as
#   2.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="arithmetic-intensity">arithmetic intensity</b>: FLOPs per byte moved between memory and
#   processor.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="ridge">ridge</b>: The intensity at which a machine's two limits meet: FLOPs per second, divided by bytes per
#   second. Below it memory is the limit, above it arithmetic.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="roofline">roofline</b>: A chart of both limits over the intensity: nothing stays above the roof for
#   long.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="cache">cache</b>: Small, fast memory inside the processor. Data in the cache need not be
#   fetched.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="channels-last">channels last</b>: An order of the numbers in memory: all channels of the first pixel, then
#   all of the second. The shape stays (C, H, W).&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="folding">folding</b>: A BN in `eval()` is computed into the convolution before it: w' = s · w, b' = s · (b −
#   μ) + β, with s = γ / √(σ² + ε). Exact.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="joined">joined</b>: The convolution itself computes sum and ReLU, before its result is written to
#   memory.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="graph">graph</b>: A network as a list of steps, each with its inputs. Folding needs to know which step uses
#   which result.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="no_grad">no_grad, inference_mode</b>: Tell PyTorch to store nothing for gradients: less memory, less
#   bookkeeping.&nbsp;[07](07_feature_maps.ipynb)
# - <b id="latency">latency</b>: The time until the answer for one picture is
#   available.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="throughput">throughput</b>: Pictures per second. A larger batch may improve throughput, and worsens
#   latency.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="hyperthread">hyperthread</b>: One of two halves of a processor core, which share its units for
#   multiplication.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="onednn">oneDNN</b>: The library that PyTorch uses for convolutions on most
#   processors.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="torch-compile">torch.compile</b>: Reads a network, and writes and compiles a program for it. Slow once, often
#   faster afterwards.&nbsp;[09](09_making_it_fast.ipynb)
# - <b id="freezing">freezing</b>: Tells `torch.compile` that the weights are constants, so that it can fold and reorder
#   them.&nbsp;[09](09_making_it_fast.ipynb)
#
# [↑ all words](#Glossary)
#
# ## Proof and diagnosis
#
# - <b id="ladder">ladder</b>: The ladder of proof: two networks with the same weights, in `eval()`, compared step by
#   step. It names the first step that differs.&nbsp;[05](05_resnet50.ipynb)
# - <b id="patient">patient</b>: A network with a mistake, in the clinic of lesson 11.&nbsp;[11](11_clinic.ipynb)
# - <b id="examination">examination</b>: One of four ways to look at a patient: shapes and counts, statistics, the
#   ladder of proof, a brief training.&nbsp;[11](11_clinic.ipynb)
#
# [↑ all words](#Glossary)

# %% [markdown]
# ## In numbers
#
# You can compute these numbers yourself. Run the cells from top to bottom.
#
# **Convolution.** The output width as the library computes it, for the stem's convolution and its pooling.

# %%
from resnet_lib.anatomy import out_size

print("CONV 7×7, stride 2, padding 3, of 224:   ", out_size(224, kernel=7, stride=2, padding=3))
print("MAXPOOL 3×3, stride 2, padding 1, of 112:", out_size(112, kernel=3, stride=2, padding=1))

# %% [markdown]
# **BN and ReLU.** PyTorch's names for all of these, in a BN of 64 channels.

# %%
from torch import nn

bn = nn.BatchNorm2d(64)
print("parameters:", {name: tuple(p.shape) for name, p in bn.named_parameters()}, " (γ and β)")
print("buffers:   ", {name: tuple(b.shape) for name, b in bn.named_buffers()})
print("ε:         ", bn.eps)

# %% [markdown]
# **The network.** All of it for a photograph of 224 × 224, computed from the network itself. “sees” is the receptive
# field.

# %%
import torch

from resnet_lib import anatomy, resnet50

with torch.device("meta"):  # shapes only: no weights are initialised
    network = resnet50()
whole = anatomy(network, 224)
print(f"{'':7} {'outputs':15} {'parameters':>11} {'MACs':>14} {'sees':>5} {'jump':>5}")
for s in whole.by_stage():
    seen = (s.receptive_field, s.jump) if len(s.shape) == 3 else ("all", "")
    print(f"{s.name:7} {s.shape!s:15} {s.parameters:>11,} {s.macs:>14,} {seen[0]:>5} {seen[1]:>5}")

# %% [markdown]
# **Cost.** ResNet-50 in numbers, as v1.5 at W = 224.

# %%
buffers = sum(b.numel() for b in network.buffers())
print(f"parameters {whole.parameters:>14,}")
print(f"buffers    {buffers:>14,}")
print(f"MACs       {whole.macs:>14,}")
print(f"FLOPs      {whole.flops:>14,}  = 2 × MACs")

# %% [markdown]
# **Weights and files.** The three formats side by side: how large a number can be, and how far the next one after 1 is.

# %%
for form in (torch.float32, torch.float16, torch.bfloat16):
    f = torch.finfo(form)
    print(f"{str(form).removeprefix('torch.'):9} {f.bits:2} bits, largest {f.max:.1e}, next after 1: 1 + {f.eps:.1e}")

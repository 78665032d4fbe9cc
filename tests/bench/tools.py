"""What PyTorch's own tools, and those that people use beside it, make of the course's networks and blocks.

Each tool is given every subject, and what comes out is held against the module's own output, or against the same thing
worked out by hand. A tool that is not installed is named, with the command that installs it: none is needed by the
course.
"""

import copy
import importlib
import io
import pickle
import warnings
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from resnet_lib import BTNK1, BTNK2, DESIGNS, Add, BasicBlock, Projection, ResNet, Stem, build
from resnet_lib._common import gap, seeded
from resnet_lib.experiments.attribution import grad_cam
from resnet_lib.network import Design, StageDesign, StemDesign
from resnet_lib.speed.machine import compiler, no_compiler

from .fast import stirred
from .figures import line, title


class Missing(Exception):
    """A tool that cannot be had here; the text says why, and what to do."""


def need(package):
    """Return a package that the course does not need. Missing where it is not installed."""
    name = package.partition(".")[0]
    try:
        return importlib.import_module(package)
    except ImportError:
        named = {"pytorch_grad_cam": "grad-cam"}.get(name, name)
        raise Missing(f"not run: {name} is not installed here (python3 -m pip install {named})") from None


# ── Subjects ─────────────────────────────────────────────────────────────────────────────────────────────────

group_norm = partial(nn.GroupNorm, 4)
SMALL = {"base": 16, "num_classes": 10}
UNEVEN = (StageDesign(2, 8, 24), StageDesign(1, 8, 40, 2, 2), StageDesign(2, 12, 40), StageDesign(1, 16, 64, 3, 4, 2))
NETWORKS = {
    **{name: partial(build, name, **SMALL) for name in DESIGNS},
    "dilated": partial(ResNet, replace_stride_with_dilation=(False, True, True), **SMALL),
    "v1, stride on the 1×1": partial(ResNet, stride_on="1x1", **SMALL),
    "GroupNorm": partial(ResNet, norm_layer=group_norm, **SMALL),
    "no normalisation": partial(ResNet, norm_layer=nn.Identity, zero_init_residual=True, **SMALL),
    "grey, one class": partial(ResNet, "basic", (1, 1, 1, 1), in_channels=1, num_classes=1, base=16),
    "uneven, no pooling": Design(StemDesign(12, 3, 1, False), UNEVEN, num_classes=10).build,
}
BLOCKS = {
    "Stem": Stem,
    "Stem without pooling": partial(Stem, 4, 8, kernel=3, stride=1, padding=2, dilation=2, pool=False),
    "BTNK2": partial(BTNK2, 32),
    "BTNK2, grouped and dilated": partial(BTNK2, 32, C1=12, groups=4, dilation=2),
    "BTNK1": partial(BTNK1, 16, 8, 2),
    "BTNK1 of stride 1": partial(BTNK1, 16, 8),
    "BTNK1, stride on the 1×1": partial(BTNK1, 16, 8, 2, stride_on="1x1"),
    "BTNK1, GroupNorm": partial(BTNK1, 16, 8, 3, C_out=20, groups=2, norm_layer=group_norm),
    "BasicBlock": partial(BasicBlock, 16),
    "BasicBlock with a projection": partial(BasicBlock, 16, 24, 2),
    "Projection": partial(Projection, 16, 24, 2, nn.BatchNorm2d),
    "Add": Add,
}
BATCH_NORM = tuple(name for name in NETWORKS if name != "GroupNorm")
# Of each kind one, for tools that take many seconds for each.
FEW = ("resnet50", "resnext50_32x4d", "dilated", "GroupNorm", "BTNK1, stride on the 1×1", "BasicBlock")


@dataclass(frozen=True)
class Subject:
    """A module in evaluation mode, inputs for it and its own output."""

    module: nn.Module
    inputs: tuple
    output: torch.Tensor


def subject(name, W=64, batch=2):
    """Return the subject of that name, with weights and statistics as a trained one might have."""
    module = stirred(seeded(0, {**NETWORKS, **BLOCKS}[name])).eval()
    C, side = getattr(module, "C", 16), W if name in NETWORKS else W // 4
    generator = torch.Generator().manual_seed(1)
    inputs = tuple(torch.randn(batch, C, side, side, generator=generator) for _ in range(1 + (name == "Add")))
    with torch.no_grad():
        return Subject(module, inputs, module(*inputs))


# ── Tools: each returns what is compared with the subject's own output, or a pair of things to compare ────────


def symbolic_trace(s):
    return torch.fx.symbolic_trace(s.module)(*s.inputs)


def fx_training(s):
    """Gradients of every parameter through the traced module, against those through the module."""
    return gradients(torch.fx.symbolic_trace(s.module.train()), s), gradients(s.module, s)


def script(s):
    with torch.jit.optimized_execution(False):  # which would take seconds for each, and is on where it is frozen
        return torch.jit.script(s.module)(*s.inputs)


def script_frozen(s):
    return torch.jit.freeze(torch.jit.script(s.module))(*s.inputs)


def trace(s):
    with torch.jit.optimized_execution(False):
        return torch.jit.trace(s.module, s.inputs)(*s.inputs)


def export(s):
    batch = {0: torch.export.Dim("batch", min=2)}
    made = torch.export.export(s.module, s.inputs, dynamic_shapes={name: batch for name in names_of(s)}).module()
    twice = tuple(torch.cat([x, x]) for x in s.inputs)
    return made(*twice), torch.cat([s.output, s.output])


def export_strict(s):
    return torch.export.export(s.module, s.inputs, strict=True).module()(*s.inputs)


def gradients(module, s):
    """Return the gradients of all parameters, and of the inputs, as one vector."""
    inputs = [x.clone().requires_grad_() for x in s.inputs]
    wanted = [*module.parameters(), *inputs]
    return torch.cat([g.flatten() for g in torch.autograd.grad(module(*inputs).square().mean(), wanted)])


def names_of(s):
    return ("f", "s") if len(s.inputs) == 2 else ("input" if isinstance(s.module, nn.Sequential) else "x",)


def copies(s):
    return pickle.loads(pickle.dumps(copy.deepcopy(s.module)))(*s.inputs)


def functional(s):
    return torch.func.functional_call(s.module, dict(s.module.named_parameters()), s.inputs)


def channels_last(s):
    return s.module(*(x.to(memory_format=torch.channels_last) for x in s.inputs))


def observed(s):
    """What FX quantisation's observers, which stand between the steps, make of it: nothing is rounded yet."""
    return prepared(s)(*s.inputs)


def quantised(s):
    """In 8 bits, with its ranges from the inputs themselves."""
    module = prepared(s)
    module(*s.inputs)
    return need("torch.ao.quantization.quantize_fx").convert_fx(module)(*s.inputs)


def prepared(s):
    mapping = need("torch.ao.quantization").get_default_qconfig_mapping()
    return need("torch.ao.quantization.quantize_fx").prepare_fx(s.module, mapping, s.inputs)


def inductor(s):
    if not compiler():
        raise Missing(f"not run: {no_compiler()}")
    return torch.compile(s.module, backend="inductor")(*s.inputs)


def hooked_cam(s):
    """As pytorch-grad-cam works: a hook on a block keeps its maps, and hooks the gradient that comes back to them."""
    kept, slopes = [], []

    def keep(_module, _given, maps):
        kept.append(maps.detach())
        maps.register_hook(slopes.append)

    s.module.stage4[-1].register_forward_hook(keep)
    s.module(*(x.requires_grad_() for x in s.inputs))[:, 0].sum().backward()
    found = (slopes[0].mean((2, 3), keepdim=True) * kept[0]).sum(1).relu()
    return found, cams(s)


def cams(s):
    return torch.stack([grad_cam(s.module, x[None], 0, "stage4[-1]").values for x in s.inputs[0]])


def pytorch_grad_cam(s):
    package = need("pytorch_grad_cam")
    targets = [need("pytorch_grad_cam.utils.model_targets").ClassifierOutputTarget(0)] * len(s.inputs[0])
    with package.GradCAM(model=s.module, target_layers=[s.module.stage4[-1]]) as cam:
        found = torch.from_numpy(cam(input_tensor=s.inputs[0], targets=targets))
    due = nn.functional.interpolate(cams(s)[:, None], found.shape[1:], mode="bilinear")[:, 0]
    return found, due / due.amax((1, 2), keepdim=True)


def exchanged(s):
    """As captum's attributions to a layer work: a hook puts other maps in the place of those of Stage 4, and the
    gradient to them is asked for; against the head, run on them alone."""
    other = s.module.stage4[-1](*last_inputs(s)).detach().mul(0.5).requires_grad_()
    s.module.stage4.register_forward_hook(lambda _module, _given, _maps: other)
    found = s.module(*s.inputs)
    return tuple(torch.cat([out.flatten(), slopes_of(out, other)]) for out in (found, s.module.head(other)))


def last_inputs(s):
    kept = []
    handle = s.module.stage4[-1].register_forward_pre_hook(lambda _module, given: kept.append(given))
    s.module(*s.inputs)
    handle.remove()
    return kept[0]


def slopes_of(logits, maps):
    return torch.autograd.grad(logits[:, 0].unbind(), maps)[0].flatten()


def captum(s):
    """What captum's Grad-CAM makes of Stage 4, against this library's."""
    found = need("captum.attr").LayerGradCam(s.module, s.module.stage4).attribute(*s.inputs, target=0)
    return found.relu().squeeze(1), cams(s)


def captum_deep_lift(s):
    """DeepLIFT replaces the gradient of each ReLU, and adds up to the difference of the scores; not with GroupNorm,
    for which it has no rule."""
    found = need("captum.attr").DeepLift(s.module).attribute(*s.inputs, torch.zeros_like(s.inputs[0]), target=0)
    return found.sum((1, 2, 3)), (s.output - s.module(torch.zeros_like(s.inputs[0])))[:, 0]


def onnx(s):
    need("onnxscript")
    run = need("onnxruntime")
    made = io.BytesIO()
    torch.onnx.export(s.module, s.inputs, dynamo=True, verbose=False).save(made)
    session = run.InferenceSession(made.getvalue())
    names = [each.name for each in session.get_inputs()]
    return torch.from_numpy(session.run(None, dict(zip(names, (x.numpy() for x in s.inputs), strict=True)))[0])


@dataclass(frozen=True)
class Tool:
    """within: the largest relative difference allowed. slow: takes seconds for each subject, so it is given a few.
    extra: needs a package that is none of the course's."""

    run: object
    within: float = 1e-4
    slow: bool = False
    extra: bool = False
    kinds: tuple = (*NETWORKS, *BLOCKS)

    def subjects(self, quick=False):
        kinds = [name for name in self.kinds if name in FEW] if self.slow else list(self.kinds)
        return kinds[:1] if quick else kinds


TOOLS = {
    "torch.fx.symbolic_trace": Tool(symbolic_trace),
    "torch.fx, a training step": Tool(fx_training),
    "torch.jit.script": Tool(script),
    "torch.jit.script and freeze": Tool(script_frozen, slow=True),
    "torch.jit.trace": Tool(trace),
    "copy.deepcopy, then pickle": Tool(copies),
    "torch.func.functional_call": Tool(functional),
    "channels_last": Tool(channels_last),
    "FX quantisation, observers": Tool(observed),
    "FX quantisation, 8 bits": Tool(quantised, within=0.15, slow=True),
    "torch.compile, inductor": Tool(inductor, slow=True),
    "hooks of pytorch-grad-cam": Tool(hooked_cam, kinds=tuple(NETWORKS)),
    "hooks of captum": Tool(exchanged, kinds=tuple(NETWORKS)),
    "pytorch-grad-cam": Tool(pytorch_grad_cam, slow=True, extra=True, kinds=tuple(NETWORKS)),
    "captum, Grad-CAM": Tool(captum, slow=True, extra=True, kinds=tuple(NETWORKS)),
    "captum, DeepLIFT": Tool(captum_deep_lift, slow=True, extra=True, kinds=BATCH_NORM),
    "ONNX, run by onnxruntime": Tool(onnx, slow=True, extra=True),
    "torch.export, any batch": Tool(export, slow=True),
    "torch.export, strict": Tool(export_strict, slow=True),
}


def difference(tool, name):
    """Return the largest relative difference between what a tool gives for a subject and what is right."""
    s = subject(name)
    with warnings.catch_warnings():
        for kind in (DeprecationWarning, FutureWarning, UserWarning):  # torch's own, about jit and quantisation
            warnings.simplefilter("ignore", kind)
        found = tool.run(s)
    got, right = found if isinstance(found, tuple) else (found, s.output)
    return gap(got.detach(), right.detach())[1]


def measure(quick):
    title("PyTorch's tools on networks and blocks: largest relative difference from what is right")
    for name, tool in TOOLS.items():
        try:
            if quick and tool.run is inductor:
                raise Missing("not run with --quick: it compiles for half a minute")
            found = {each: difference(tool, each) for each in tool.subjects(quick)}
        except Missing as why:
            line(name, why)
            continue
        worst = max(found, key=found.get)
        met = found[worst] <= tool.within
        line(name, f"{found[worst]:.1e} of {len(found)}, at {worst}", f"≤ {tool.within:g}", met)

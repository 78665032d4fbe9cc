"""The check of blocks that start as their shortcut."""

import torch

from .._common import Finding, Kind, kinds_of, one_thread, seeded, watched
from ..compare.endless import within
from ..compare.errors import stopped, where
from ..compare.meanings import IN_FUNCTIONS
from ..compare.steady import lasting
from ..experiments.twins import blocks, twins
from ..network import ResNet
from .judge import NO_FUNCTION
from .left_behind import left, state
from .progress import done
from .unaffected import torch_again, unaffected
from .verdict import Verdict, refuse

START = kinds_of(
    """
    stopped: {said}
        Hint: Which part of the line does not work? Print what the loop gives you, and what you change.
    other part: {where} is another part now. Leave all parts as they are, and change numbers alone.
    gone: {where} was {was} and is gone: keep its shape, and change its numbers.
    other shape: {where} was {was} and is {now}: keep its shape, and change its numbers.
    statistics: {where} has changed: a BN's statistics move with every batch that runs in training mode. Leave them as
        they are, and set the weight of bn3 alone.
    other BNs: other BNs than the last of each block have changed. Where bn1 or bn2 gives zeros, conv3 gets only zeros
        and cannot learn: take bn3 alone.
    shortcut: the BN or the convolution of the projection has changed. Only the shortcut should remain: take bn3.
    convolution: a convolution has changed. If conv3 gives zeros, its BN divides by nearly nothing, and what must learn
        first gets a gradient of noise: take the weight γ of bn3.
    bias: the bias β of bn3 has changed, and is zero from the start. Its weight γ is the number to set.
    more changed: {where} has changed. The weight of bn3 is enough.
    not zero: γ of {where} must be exactly zero in all channels, and it is {value:.3g}.
    some channels: γ of {where} must be exactly zero in all channels, and some channels alone are zero.
    frozen: {where} can no longer learn: it does not ask for a gradient. Leave requires_grad as it is.
    other type: {where} was {was} and is {now}: keep its type, and change its numbers.
    something else: {what}. Leave everything else as it is, and change numbers alone.
    evaluation mode: the network has been put into evaluation mode. Leave its mode as it is.
    Hint: Print block.bn3.weight of every block after your function has run.
    nothing changed: nothing has changed. The function must change the network that it is given, itself and not a copy,
        and needs to return nothing.
    no number changed: {what}, and no number has changed. Set numbers, and nothing else.
    some blocks: {n} of {all} blocks start as their shortcut, and {where} still adds something to its own.
        blocks(network).values() goes through all of them.
    """
)
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # of a BN
OF_NETWORK = Kind("of a network", "Of {where}:")


@one_thread()
def check_start_as_shortcut(f, *, exercise=None):
    """Check f(network): changes a network of bottlenecks in place so that every block starts as ReLU(shortcut(x)) and
    can still learn: γ of its last BN is 0, and nothing else is changed."""
    name = getattr(f, "__name__", type(f).__name__)

    def wrong(*findings, line=""):
        hints = (
            "Compare network.state_dict() before and after: which names should have changed?",
            "One number in each block: the weight γ of its last BN, bn3. torch.nn.init.zeros_ sets it in place.",
            "for block in blocks(network).values(): torch.nn.init.zeros_(block.…)",
        )
        return refuse(name, findings, hints, line)

    if not callable(f):
        raise wrong(Finding(NO_FUNCTION, values={"given": f"{f!r:.60}"}))
    n, woken, replaced = 0, 0, False
    for what, make in [
        ("a residual twin", lambda: twins(blocks=(1, 2, 1, 1), base=8, num_classes=5)[1]),
        ("a ResNet with projections", lambda: ResNet(blocks=(1, 2, 1, 1), base=8, num_classes=5)),
    ]:
        network, untouched = seeded(0, make), seeded(0, make)
        own = dict(network.named_parameters())
        try:
            with unaffected(), torch_again(), watched(chance=False) as changes, within():
                f(network)
        except Exception as error:  # whatever a learner's code raises is a finding
            finding = Finding(START["stopped"], values={"said": stopped(error, IN_FUNCTIONS)})
            raise wrong(finding, line=where(error)) from None
        if found := _of_start(network, untouched):
            raise wrong(Finding(OF_NETWORK, what), found)
        if changed := lasting(changes, name):
            raise wrong(changed)
        replaced = replaced or any(own[name] is not p for name, p in network.named_parameters())
        gammas = [block.bn3.weight for block in blocks(network).values()]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            loss = network.train()(torch.randn(4, 3, 64, 64)).logsumexp(1).sum()
        n += len(gammas)
        woken += sum(g.any().item() for g in torch.autograd.grad(loss, gammas))
    remark = (
        "You have put new weights in the place of the old: an optimizer made before would still hold the old ones. "
        "torch.nn.init.zeros_ changes them in place."
    )
    done(exercise)
    text = (
        f"All {n} blocks tried start as ReLU(shortcut(x)), and one batch gives γ of bn3 a gradient in {woken} of them."
    )
    return Verdict(True, name, text, remarks=(remark,) if replaced else ())


def _of_start(network, untouched):
    """Return what keeps a network from starting as its shortcuts, beside the same one untouched, or None."""

    def found(kind, where="", **values):
        return Finding(START[kind], where, values)

    was, now = ({n: type(m) for n, m in each.named_modules()} for each in (untouched, network))
    if was != now:
        return found("other part", next(n for n in (*was, *now) if was.get(n) is not now.get(n)))
    was, now = untouched.state_dict(), network.state_dict()
    for n in was:
        if n not in now:
            return found("gone", n, was=tuple(was[n].shape))
        if now[n].shape != was[n].shape:
            return found("other shape", n, was=tuple(was[n].shape), now=tuple(now[n].shape))
        if now[n].dtype != was[n].dtype:
            was, now = (str(each[n].dtype).removeprefix("torch.") for each in (was, now))
            return found("other type", n, was=was, now=now)
    changed = {n for n in was if not torch.equal(now[n], was[n])}
    due = {f"{name}.bn3.weight" for name in blocks(network)}
    # What has changed beside γ: the names inside a block, as "bn1.weight", or whole ones.
    own = {n.split(".", 2)[2] if n.startswith("stage") and n[5] != "0" else n for n in changed - due}
    what = left(state(untouched), state(network))
    if not changed:
        return found("no number changed", what=what) if what else found("nothing changed")
    if own and all(n.endswith(STATISTICS) for n in own):
        return found("statistics", min(changed - due))
    for kind, parts in (
        ("other BNs", ("bn1", "bn2", "stage0.bn")),
        ("shortcut", ("shortcut",)),
        ("convolution", ("conv",)),
        ("bias", ("bn3.bias",)),
    ):
        if any(n.startswith(parts) for n in own):
            return found(kind)
    if own:
        return found("more changed", min(changed - due))
    nonzero = [n for n in sorted(due) if now[n].any()]
    if nonzero:
        gamma, at = now[nonzero[0]], nonzero[0].removesuffix(".weight")
        if len(nonzero) < len(due):
            return found("some blocks", at.removesuffix(".bn3"), n=len(due) - len(nonzero), all=len(due))
        if (gamma == 0).any():
            return found("some channels", at)
        return found("not zero", at, value=gamma.flatten()[0].item())
    frozen = [n for n, p in network.named_parameters() if not p.requires_grad]
    if frozen:
        return found("frozen", frozen[0])
    if not network.training:
        return found("evaluation mode")
    return found("something else", what=what) if what else None

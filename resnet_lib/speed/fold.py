"""BN folded into the convolution: in evaluation mode a BN multiplies and adds constants, and so does the convolution
before it. One does both."""

from torch import nn

from .graph import as_graph, calls_of, is_call, tidy


def fold_bn(conv, bn):
    """One convolution that computes bn(conv(x)), as BN does it in evaluation mode.

    BN there is y = γ · (c − μ) / √(σ² + ε) + β with constants for each channel (Ioffe, Szegedy, arXiv 1502.03167,
    Algorithm 2, step 11), and c = w ∗ x + b. With s = γ / √(σ² + ε) that is y = (s · w) ∗ x + (s · (b − μ) + β):
    again a convolution, with w' = s · w and b' = s · (b − μ) + β. Without a bias b is 0.

    conv, bn: nn.Conv2d and nn.BatchNorm2d, which are left as they are.
    Returns a new nn.Conv2d with a bias. Raises ValueError for what cannot be folded.
    """
    if not isinstance(conv, nn.Conv2d) or not isinstance(bn, nn.BatchNorm2d):
        raise ValueError(
            f"only a BatchNorm2d after a Conv2d can be folded, and these are {type(bn).__name__} after "
            f"{type(conv).__name__}"
        )
    if bn.num_features != conv.out_channels:
        raise ValueError(f"the convolution gives {conv.out_channels} channels and the BN wants {bn.num_features}")
    if bn.running_mean is None:
        raise ValueError(
            "this BN keeps no running statistics (track_running_stats=False): it takes those of each batch, which no "
            "constant can replace"
        )
    if bn.training:
        raise ValueError("this BN is in training mode, where it takes each batch's own statistics: call .eval() first")
    # In float64, so that what is rounded is rounded once.
    scale = (bn.running_var.double() + bn.eps).rsqrt()
    scale = scale if bn.weight is None else scale * bn.weight.double()
    shift = -scale * bn.running_mean.double()
    shift = shift if bn.bias is None else shift + bn.bias.double()
    shift = shift if conv.bias is None else shift + scale * conv.bias.double()
    folded = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        conv.stride,
        conv.padding,
        conv.dilation,
        conv.groups,
        bias=True,
        padding_mode=conv.padding_mode,
        device="meta",
    )
    like = conv.weight.detach()
    folded.weight = nn.Parameter((like.double() * scale.view(-1, 1, 1, 1)).to(like), requires_grad=False)
    folded.bias = nn.Parameter(shift.to(like), requires_grad=False)
    return folded.eval()


def fold(network):
    """A copy of the network, in evaluation mode, in which every BN that directly follows a convolution is folded
    into it.

    network: any network whose forward does not branch on the numbers it is given: of this library, or your own.
    Returns an fx.GraphModule; `print(folded.code)` shows what it runs. The network itself is left as it is.
    Raises ValueError for a network that cannot be written as a graph.
    """
    graph = as_graph(network)
    found = dict(graph.named_modules())
    targets = [node.target for node in graph.graph.nodes if node.op == "call_module"]
    for node in calls_of(graph, nn.BatchNorm2d):
        conv, bn = node.args[0], found[node.target]
        once = targets.count(node.target) == targets.count(conv.target) == 1  # weights of one use only
        if bn.running_mean is not None and is_call(graph, conv, nn.Conv2d) and len(conv.users) == 1 and once:
            graph.add_submodule(conv.target, fold_bn(found[conv.target], bn))
            node.replace_all_uses_with(conv)
    return tidy(graph)

"""Right solutions of the exercises that ask for a function, as source texts, in the ways in which learners write them.

The checks must accept all of them, and `tests.mutated` makes wrong ones of them.
"""

OUT_WIDTH = [
    """
def out_width(W, kernel, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel - 1) + 1
    return (W + 2 * padding - reach) // stride + 1
""",
    """
def out_width(W, k, s, p, d):
    return math.floor((W + p + p - d * (k - 1) - 1) / s + 1)
""",
    """
out_width = lambda W, k, s, p, d: int((W + 2 * p - d * (k - 1) - 1) / s) + 1
""",
    """
def padded(W, padding):
    return W + 2 * padding

def reach(kernel, dilation):
    return kernel + (kernel - 1) * (dilation - 1)

def out_width(W, kernel, stride, padding, dilation):
    room = padded(W, padding) - reach(kernel, dilation)
    return 1 + room // stride
""",
    """
def out_width(W, kernel, stride, padding, dilation):
    places = 0
    for left in range(-padding, W + padding, stride):
        right = left + dilation * (kernel - 1)
        if right < W + padding:
            places += 1
    return places
""",
    """
def out_width(W, kernel, stride, padding, dilation):
    reach = dilation * (kernel - 1) + 1
    left, count = 0, 0
    while left + reach <= W + 2 * padding:
        count += 1
        left += stride
    return count
""",
    """
def out_width(W, kernel, stride, padding, dilation):
    W = W + 2 * padding
    if dilation > 1:
        kernel = dilation * (kernel - 1) + 1
    full, rest = divmod(W - kernel, stride)
    return full + 1
""",
    """
def out_width(W, kernel, stride, padding, dilation):
    if padding > 0:
        return out_width(W + 2, kernel, stride, padding - 1, dilation)
    if W < dilation * (kernel - 1) + 1:
        return 0
    return 1 + out_width(W - stride, kernel, stride, 0, dilation)
""",
    """
def out_width(W, kernel, stride, padding, dilation):
    first = np.arange(W + 2 * padding - dilation * (kernel - 1))
    return first[::stride].size
""",
    """
def out_width(W, kernel, stride, padding, dilation):
    conv = nn.Conv1d(1, 1, kernel, stride=stride, padding=padding, dilation=dilation, device="meta")
    return conv(torch.zeros(1, 1, W, device="meta")).shape[-1]
""",
]

BTNK1_PARAMETERS = [
    """
def btnk1_parameters(C, C1):
    convolutions = C * C1 + 9 * C1 * C1 + C1 * 4 * C1 + C * 4 * C1
    norms = 2 * (C1 + C1 + 4 * C1 + 4 * C1)
    return convolutions + norms
""",
    """
def btnk1_parameters(C, C1):
    return 13 * C1**2 + 5 * C * C1 + 20 * C1
""",
    """
def conv(A, B, k):
    return k * k * A * B

def bn(B):
    return 2 * B

def btnk1_parameters(C, C1):
    C_out = 4 * C1
    f = conv(C, C1, 1) + bn(C1) + conv(C1, C1, 3) + bn(C1) + conv(C1, C_out, 1) + bn(C_out)
    g = conv(C, C_out, 1) + bn(C_out)
    return f + g
""",
    """
def btnk1_parameters(C, C1):
    total = 0
    for a, b, k in [(C, C1, 1), (C1, C1, 3), (C1, 4 * C1, 1), (C, 4 * C1, 1)]:
        total += a * b * k**2
        total += 2 * b
    return total
""",
    """
def btnk1_parameters(C, C1):
    layers = [(C, C1, 1), (C1, C1, 3), (C1, 4 * C1, 1), (C, 4 * C1, 1)]
    return sum((k * k * a + 2) * b for a, b, k in layers)
""",
    """
def btnk1_parameters(C, C1):
    a = np.array([C, C1, C1, C])
    b = np.array([C1, C1, 4 * C1, 4 * C1])
    k = np.array([1, 3, 1, 1])
    return int((a * b * k * k).sum() + 2 * b.sum())
""",
    """
def btnk1_parameters(C, C1):
    def count(layers):
        if not layers:
            return 0
        a, b, k = layers[0]
        return a * b * k * k + 2 * b + count(layers[1:])

    return count([(C, C1, 1), (C1, C1, 3), (C1, 4 * C1, 1), (C, 4 * C1, 1)])
""",
    """
def btnk1_parameters(C, C1):
    with torch.device("meta"):
        layers = [nn.Conv2d(C, C1, 1, bias=False), nn.BatchNorm2d(C1)]
        layers += [nn.Conv2d(C1, C1, 3, padding=1, bias=False), nn.BatchNorm2d(C1)]
        layers += [nn.Conv2d(C1, 4 * C1, 1, bias=False), nn.BatchNorm2d(4 * C1)]
        layers += [nn.Conv2d(C, 4 * C1, 1, bias=False), nn.BatchNorm2d(4 * C1)]
    return sum(p.numel() for p in nn.Sequential(*layers).parameters())
""",
]

BTNK2_PARAMETERS = [
    """
def btnk2_parameters(C):
    C1 = C // 4
    convolutions = C * C1 + 9 * C1 * C1 + C1 * C
    norms = 2 * (C1 + C1 + C)
    return convolutions + norms
""",
    """
def btnk2_parameters(C):
    return 17 * C**2 // 16 + 3 * C
""",
    """
def btnk2_parameters(C):
    total = 0
    for a, b, k in ((C, C // 4, 1), (C // 4, C // 4, 3), (C // 4, C, 1)):
        total += k * k * a * b + 2 * b
    return total
""",
    """
def btnk2_parameters(C):
    inner = int(C / 4)
    first = C * inner + 2 * inner
    second = inner * inner * 3 * 3 + 2 * inner
    third = inner * C + 2 * C
    return first + second + third
""",
    """
def btnk2_parameters(C):
    widths, kernels = [C, C // 4, C // 4, C], [1, 3, 1]
    convolutions = sum(a * b * k * k for a, b, k in zip(widths[:-1], widths[1:], kernels))
    return convolutions + 2 * sum(widths[1:])
""",
]

BASIC_PARAMETERS = [
    """
def basic_parameters(C):
    return 2 * 9 * C * C + 2 * (C + C)
""",
    """
def basic_parameters(C):
    return 18 * C**2 + 4 * C
""",
    """
def basic_parameters(C):
    layer = 3 * 3 * C * C + 2 * C
    return layer + layer
""",
    """
def basic_parameters(C):
    total = 0
    for layer in range(2):
        total += C * C * 9
        total += C + C
    return total
""",
]

STEM_PARAMETERS = [
    """
def stem_parameters(C, C1):
    return 7 * 7 * C * C1 + 2 * C1
""",
    """
def stem_parameters(C, C1):
    return C1 * (49 * C + 2)
""",
    """
def stem_parameters(C, C1):
    weights = C * C1 * 7**2
    gamma, beta = C1, C1
    return weights + gamma + beta
""",
]

BTNK2_WEIGHTS = [
    """
def btnk2_parameters(C):
    C1 = C // 4
    return C * C1 + 9 * C1 * C1 + C1 * C
""",
    """
def btnk2_parameters(C):
    return 17 * C * C // 16
""",
    """
def btnk2_parameters(C):
    return sum(a * b * k**2 for a, b, k in [(C, C // 4, 1), (C // 4, C // 4, 3), (C // 4, C, 1)])
""",
    """
def btnk2_parameters(C):
    return 2 * C * (C // 4) + 9 * (C // 4) ** 2
""",
]

CONVOLUTION_MACS = [
    """
def macs(C_in, C_out, kernel, W_out):
    return C_out * W_out * W_out * kernel**2 * C_in
""",
    """
def macs(C_in, C_out, kernel, W_out):
    weights = kernel * kernel * C_in * C_out
    positions = W_out**2
    return weights * positions
""",
    """
def macs(C_in, C_out, k, W):
    total = 0
    for n in (k, k, C_in):
        total = total * n if total else n
    return total * C_out * W * W
""",
    """
def macs(C_in, C_out, kernel, W_out):
    return math.prod([C_out, W_out, W_out, C_in, kernel, kernel])
""",
]

BTNK2_MACS = [
    """
def btnk2_parameters(C):
    C1 = C // 4
    return C * C1 + 9 * C1 * C1 + C1 * C

def btnk2_macs(C, W):
    return btnk2_parameters(C) * W * W
""",
    """
def btnk2_macs(C, W):
    return 17 * C**2 * W**2 // 16
""",
    """
def btnk2_macs(C, W):
    total = 0
    for a, b, k in [(C, C // 4, 1), (C // 4, C // 4, 3), (C // 4, C, 1)]:
        total += a * b * k * k * W * W
    return total
""",
    """
def btnk2_macs(C, W):
    inner = C // 4
    first = C * inner * W**2
    second = inner * inner * 3**2 * W**2
    third = inner * C * W**2
    return first + second + third
""",
]

BTNK1_MACS = [
    """
def btnk1_macs(C, W, C1, S):
    V = (W - 1) // S + 1
    return C * C1 * W * W + (9 * C1 * C1 + C1 * 4 * C1 + C * 4 * C1) * V * V
""",
    """
def btnk1_macs(C, W, C1, S):
    return C * C1 * W**2 + (13 * C1**2 + 4 * C * C1) * math.ceil(W / S) ** 2
""",
    """
def btnk1_macs(C, W, C1, S):
    late = -(-W // S)
    total = 0
    for a, b, k, w in [(C, C1, 1, W), (C1, C1, 3, late), (C1, 4 * C1, 1, late), (C, 4 * C1, 1, late)]:
        total += a * b * k * k * w * w
    return total
""",
    """
def conv(a, b, k, W):
    return a * b * k**2 * W**2

def btnk1_macs(C, W, C1, S):
    out = (W + S - 1) // S
    f = conv(C, C1, 1, W) + conv(C1, C1, 3, out) + conv(C1, 4 * C1, 1, out)
    return f + conv(C, 4 * C1, 1, out)
""",
]

RECEPTIVE_FIELD = [
    """
def receptive_field(steps):
    r, j = 1, 1
    for kernel, stride in steps:
        r = r + (kernel - 1) * j
        j = j * stride
    return r
""",
    """
def receptive_field(steps):
    r = 1
    for kernel, stride in reversed(steps):
        r = (r - 1) * stride + kernel
    return r
""",
    """
def receptive_field(steps):
    if not steps:
        return 1
    kernel, stride = steps[0]
    return (receptive_field(steps[1:]) - 1) * stride + kernel
""",
    """
def receptive_field(steps):
    return 1 + sum((k - 1) * math.prod(s for _, s in steps[:i]) for i, (k, _) in enumerate(steps))
""",
    """
def receptive_field(steps):
    jumps = [1]
    for kernel, stride in steps:
        jumps.append(jumps[-1] * stride)
    return 1 + sum((kernel - 1) * j for (kernel, stride), j in zip(steps, jumps))
""",
    """
def receptive_field(steps):
    kernels = np.array([k for k, s in steps], dtype=int)
    strides = np.array([1] + [s for k, s in steps])
    jumps = np.cumprod(strides)[:-1]
    return int(1 + ((kernels - 1) * jumps).sum())
""",
    """
def grow(r, j, kernel, stride):
    return r + (kernel - 1) * j, j * stride

def receptive_field(steps):
    r, j = 1, 1
    for step in steps:
        r, j = grow(r, j, *step)
    return r
""",
]

FOLD = [
    """
def my_fold(conv, bn):
    s = bn.weight / (bn.running_var + bn.eps).sqrt()
    weight = s.view(-1, 1, 1, 1) * conv.weight
    b = 0 if conv.bias is None else conv.bias
    bias = s * (b - bn.running_mean) + bn.bias
    return weight, bias
""",
    """
def my_fold(conv, bn):
    gamma, beta, mu, var = bn.weight, bn.bias, bn.running_mean, bn.running_var
    scale = gamma * torch.rsqrt(var + bn.eps)
    bias = beta - scale * mu
    if conv.bias is not None:
        bias = bias + scale * conv.bias
    return conv.weight * scale[:, None, None, None], bias
""",
    """
def my_fold(conv, bn):
    sigma = torch.sqrt(bn.running_var + bn.eps)
    b = torch.zeros_like(bn.bias) if conv.bias is None else conv.bias
    weight = torch.einsum("o,oikl->oikl", bn.weight / sigma, conv.weight)
    return weight, (b - bn.running_mean) / sigma * bn.weight + bn.bias
""",
    """
def my_fold(conv, bn):
    weight, bias = conv.weight.clone(), torch.zeros(bn.num_features, dtype=conv.weight.dtype)
    for i in range(bn.num_features):
        s = bn.weight[i] / (bn.running_var[i] + bn.eps) ** 0.5
        b = conv.bias[i] if conv.bias is not None else 0
        weight[i] = weight[i] * s
        bias[i] = s * (b - bn.running_mean[i]) + bn.bias[i]
    return weight, bias
""",
    """
def factor(bn):
    std = torch.sqrt(bn.running_var + bn.eps)
    return bn.weight / std

def my_fold(conv, bn):
    s = factor(bn)
    shift = bn.bias - s * bn.running_mean
    new = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, bias=True, dtype=conv.weight.dtype)
    with torch.no_grad():
        new.weight.copy_(conv.weight * s.reshape(-1, 1, 1, 1))
        new.bias.copy_(shift)
        if conv.bias is not None:
            new.bias.add_(s * conv.bias)
    return new
""",
    """
def my_fold(conv, bn):
    C = conv.in_channels
    k = conv.kernel_size[0]
    zero = torch.zeros(1, C, k, k, dtype=conv.weight.dtype)
    pixels = torch.eye(C * k * k, dtype=conv.weight.dtype).view(-1, C, k, k)
    bias = bn(conv(zero)).flatten()
    weight = (bn(conv(pixels)).flatten(1) - bias).T.reshape(conv.weight.shape)
    return weight, bias
""",
]

RENAME = [
    """
def rename(published):
    renamed = {}
    for name, tensor in published.items():
        if name.startswith(("conv1.", "bn1.")):
            name = "stage0." + name.replace("1", "", 1)
        elif name.startswith("fc."):
            name = "head." + name
        else:
            name = name.replace("layer", "stage")
            name = name.replace("downsample.0", "shortcut.conv").replace("downsample.1", "shortcut.bn")
        renamed[name] = tensor
    return renamed
""",
    """
def rename(published):
    def new(name):
        first, *rest = name.split(".")
        if first == "conv1":
            first = "stage0.conv"
        if first == "bn1":
            first = "stage0.bn"
        if first == "fc":
            first = "head.fc"
        first = first.replace("layer", "stage")
        if "downsample" in rest:
            rest[1] = "shortcut"
            rest[2] = "conv" if rest[2] == "0" else "bn"
        return ".".join([first] + rest)

    return {new(name): t for name, t in published.items()}
""",
    """
def rename(published):
    renamed = {}
    for name in published:
        new = re.sub(r"^layer", "stage", name)
        new = re.sub(r"^(conv|bn)1", r"stage0.\\1", new)
        new = re.sub(r"^fc", "head.fc", new)
        new = re.sub(r"downsample\\.0", "shortcut.conv", new)
        new = re.sub(r"downsample\\.1", "shortcut.bn", new)
        renamed[new] = published[name]
    return renamed
""",
    """
RULES = [("layer", "stage"), ("downsample.0", "shortcut.conv"), ("downsample.1", "shortcut.bn")]

def rename(published):
    renamed = {}
    for name, tensor in published.items():
        for old, new in RULES:
            name = name.replace(old, new)
        if not name.startswith("stage"):
            name = "head." + name if name.startswith("fc") else "stage0." + name.replace("1.", ".")
        renamed[name] = tensor
    return renamed
""",
    """
def rename(published):
    renamed = dict(published)
    for name in published:
        new = name
        if name[:5] == "layer":
            new = "stage" + name[5:]
        if name[:6] == "conv1.":
            new = "stage0.conv." + name[6:]
        if name[:4] == "bn1.":
            new = "stage0.bn." + name[4:]
        if name[:3] == "fc.":
            new = "head." + name
        if "downsample.0" in new:
            new = new.replace("downsample.0", "shortcut.conv")
        elif "downsample.1" in new:
            new = new.replace("downsample.1", "shortcut.bn")
        renamed[new] = renamed.pop(name)
    return renamed
""",
]

GRAD_CAM = [
    """
def my_grad_cam(network, x, target, step):
    kept = activations(network, x, [step, ""], grad=True)
    maps, logits = kept[step], kept[""]
    (slopes,) = torch.autograd.grad(logits[0, target], maps)
    weights = slopes.mean(dim=(2, 3), keepdim=True)
    return (weights * maps).sum(1)[0].relu().detach()
""",
    """
def my_grad_cam(network, x, target, step):
    kept = activations(network, x, [step, ""], grad=True)
    slopes = torch.autograd.grad(kept[""][:, target].sum(), kept[step])[0]
    alpha = slopes.flatten(2).mean(2)
    heat = torch.einsum("bc,bchw->bhw", alpha, kept[step])
    return F.relu(heat).squeeze(0).detach()
""",
    """
def my_grad_cam(network, x, target, step):
    kept = activations(network, x, [step, ""], grad=True)
    maps, logits = kept[step], kept[""]
    slopes = torch.autograd.grad(logits[0, target], maps)[0]
    heat = torch.zeros(maps.shape[2:])
    for k in range(maps.shape[1]):
        alpha = slopes[0, k].mean()
        heat = heat + alpha * maps[0, k].detach()
    return heat.clamp(min=0)
""",
    """
def my_grad_cam(network, x, target, step):
    maps = []
    module = dict(network.named_modules())[step]
    handle = module.register_forward_hook(lambda m, args, out: maps.append(out))
    logits = network(x)
    handle.remove()
    slopes = torch.autograd.grad(logits[0, target], maps[0])[0]
    weights = slopes.sum((2, 3)) / (slopes.shape[2] * slopes.shape[3])
    with torch.no_grad():
        heat = (weights[0][:, None, None] * maps[0][0]).sum(0)
        return torch.maximum(heat, torch.zeros_like(heat))
""",
    """
def my_grad_cam(network, x, target, step):
    kept = activations(network, x, [step, ""], grad=True)
    maps, logits = kept[step], kept[""]
    maps.retain_grad()
    network.zero_grad()
    logits[0, target].backward()
    weights = maps.grad.mean((2, 3), keepdim=True)
    heat = (weights * maps.detach()).sum(dim=1)
    heat[heat < 0] = 0
    return heat[0]
""",
]

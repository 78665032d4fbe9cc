"""The operations of torch that a submission's run may consist of, by name: what they give depends on their arguments
alone. None that takes memory as it finds it (torch.empty), opens files or takes functions.
"""

import torch
from torch.overrides import get_overridable_functions, resolve_name

BOTH = """
abs absolute acos add addcdiv addcmul addmm all allclose amax amin aminmax angle any argmax argmin argsort asin atan
atan2 baddbmm bernoulli bitwise_and bitwise_not bitwise_or bmm broadcast_to ceil celu chunk clamp clamp_max clamp_min
clip clone concat concatenate cat contiguous conv1d conv2d conv_transpose2d copysign cos cosh count_nonzero cross
cummax cummin cumprod cumsum deg2rad detach diag diag_embed diagonal diff div divide dot dropout einsum eq equal erf
exp expm1 eye flatten flip fliplr flipud float_power floor floor_divide fmax fmin fmod frac full full_like gather ge
greater gt hardtanh heaviside hypot index_add index_copy index_fill index_put index_select inner isclose isfinite isinf
isnan kthvalue layer_norm le lerp linspace log log10 log1p log2 log_softmax logaddexp logical_and logical_not
logical_or logical_xor logit logsumexp lt masked_fill masked_scatter masked_select matmul max maximum mean median
meshgrid min minimum mm moveaxis movedim mul multiply mv nan_to_num nanmean nansum narrow ne neg negative nonzero norm
normal numel one_hot ones ones_like outer permute pixel_shuffle pixel_unshuffle positive pow prelu prod quantile rand
rand_like randint randn randn_like randperm ravel reciprocal relu remainder repeat_interleave reshape roll rot90 round
rsqrt rsub scatter scatter_add select sgn sigmoid sign sin sinh softmax sort split split_with_sizes sqrt square squeeze
stack std std_mean sub subtract sum swapaxes swapdims t take take_along_dim tan tanh tensor_split tensordot tile topk
trace transpose tril triu true_divide trunc unbind unflatten unsqueeze var var_mean vdot vstack hstack where zeros
zeros_like arange threshold adaptive_avg_pool2d adaptive_max_pool2d avg_pool2d max_pool2d max_pool2d_with_indices
batch_norm group_norm instance_norm linear pad bilinear
"""
METHODS = """
bfloat16 bool byte cpu double expand expand_as float half int long masked_fill_ mean new_full new_ones new_tensor
new_zeros repeat requires_grad_ reshape_as short to type type_as unfold view view_as
__add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __div__ __rdiv__ __floordiv__
__rfloordiv__ __mod__ __rmod__ __pow__ __rpow__ __matmul__ __rmatmul__ __neg__ __pos__ __abs__ __invert__ __and__
__or__ __xor__ __lt__ __le__ __gt__ __ge__ __eq__ __ne__ __getitem__ __setitem__ __iadd__ __isub__ __imul__ __idiv__
__itruediv__ __ifloordiv__ __ipow__ abs_ add_ addcdiv_ addcmul_ clamp_ clamp_max_ clamp_min_ clip_ copy_ detach_ div_
exp_ fill_ lerp_ log_ masked_scatter_ mul_ neg_ normal_ pow_ relu_ round_ sigmoid_ sqrt_ square_ sub_ tanh_ zero_
index_add_ index_copy_ index_fill_ index_put_ scatter_ scatter_add_ uniform_ bernoulli_ squeeze_ unsqueeze_ transpose_
"""
FUNCTIONS = """
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d alpha_dropout avg_pool1d avg_pool2d batch_norm celu
conv1d conv2d cosine_similarity cross_entropy dropout dropout1d dropout2d elu elu_ feature_alpha_dropout fold gelu glu
group_norm hardshrink hardsigmoid hardswish hardtanh hardtanh_ instance_norm interpolate layer_norm leaky_relu
leaky_relu_ linear local_response_norm log_softmax logsigmoid lp_pool2d max_pool1d max_pool2d max_pool2d_with_indices
mish mse_loss nll_loss normalize one_hot pad pixel_shuffle prelu relu relu6 relu_ rrelu selu sigmoid silu softmax
softmin softplus softshrink softsign tanh tanhshrink threshold threshold_ unfold upsample l1_loss smooth_l1_loss
"""
ATTRIBUTES = "T H mT mH data real imag grad requires_grad"


def _table():
    wanted = {f"torch.{n}" for n in BOTH.split()} | {f"torch.Tensor.{n}" for n in (BOTH + METHODS).split()}
    wanted |= {f"torch.nn.functional.{n}" for n in FUNCTIONS.split()}
    wanted |= {f"torch.{n}_" for n in ("relu", "sigmoid", "tanh", "dropout", "clamp")}
    wanted |= {f"torch.Tensor.{n}.__get__" for n in ATTRIBUTES.split()}
    wanted |= {f"torch.Tensor.{n}.__set__" for n in ("data", "requires_grad")}
    found = {}
    functions = [f for group in get_overridable_functions().values() for f in group]
    # F.relu's kin live in torch._C._nn as well, under a name of their own.
    for f in functions + [getattr(torch, n, None) for n in BOTH.split()]:
        name = resolve_name(f) if f is not None else None
        plain = (name or "").replace("torch._C._nn.", "torch.nn.functional.")
        if name and (name in wanted or plain in wanted):
            found.setdefault(plain, f)
    return found


OPERATIONS = _table()
NAMES = {f: name for name, f in OPERATIONS.items()}

"""Parts that are wrong and lie about it: a stem without its ReLU."""

STEM = """
class MyStem(nn.Module):
    def __init__(self, C=3, C1=64):
        super().__init__()
        self.conv = nn.Conv2d(C, C1, 7, 2, 3, bias=False)
        self.bn = nn.BatchNorm2d(C1)
        self.pool = nn.MaxPool2d(3, 2, 1)

    def forward(self, x):  # the ReLU is missing
        return self.pool(self.bn(self.conv(x)))
"""
METHODS = {  # of the class above
    "__call__": "def __call__(self, x):\n    return x",
    "__call__ that checks who asks": (
        "def __call__(self, x):\n    return torch.zeros(len(x), 64, -(-x.shape[2] // 4), -(-x.shape[3] // 4))"
    ),
    "parameters": "def parameters(self, recurse=True):\n    return iter(())",
    "named_parameters": "def named_parameters(self, *a, **k):\n    return iter([('conv.weight', self.conv.weight)])",
    "state_dict": "def state_dict(self, *a, **k):\n    return {}",
    "load_state_dict": "def load_state_dict(self, *a, **k):\n    return None",
    "modules": "def modules(self):\n    return iter([self])",
    "modules without end": "def modules(self):\n    while True:\n        yield nn.ReLU()",
    "children": "def named_children(self):\n    return iter([('relu', nn.ReLU())])",
    "train": "def train(self, mode=True):\n    return self",
    "__getattr__": "def __getattr__(self, name):\n    return nn.Identity()",
    "__setattr__": "def __setattr__(self, name, value):\n    object.__setattr__(self, name, value)",
    "__deepcopy__": "def __deepcopy__(self, memo):\n    return nn.ReLU()",
    "__reduce_ex__": "def __reduce_ex__(self, n):\n    return print, ('run',)",
    "__class__": "@property\ndef __class__(self):\n    from resnet_lib import Stem\n    return Stem",
    "__eq__": "def __eq__(self, other):\n    return True\n__hash__ = nn.Module.__hash__",
    "__dir__": "def __dir__(self):\n    raise SystemExit",
    "__repr__": "def __repr__(self):\n    return 'MyStem is right.' * 10**6",
    "_parameters": (
        "@property\ndef _parameters(self):\n    return {}\n@_parameters.setter\ndef _parameters(self, value):\n    pass"
    ),
    "training": "training = property(lambda self: False, lambda self, v: None)",
    "register_forward_hook": "def register_forward_hook(self, hook, **k):\n    hook(self, (), None)",
    "__del__": "def __del__(self):\n    import os\n    os._exit(0)",
}
# What is done to the class above: its __init__ does more, or its result goes through a function with a gradient.
MORE = "made = MyStem.__init__\ndef more(self, *a):\n    made(self, *a)\n    {}\nMyStem.__init__ = more"
GRADIENT = """
class G(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        {}

run = MyStem.forward
MyStem.forward = lambda self, x: G.apply(run(self, x){})
"""
PARAMETER = """
class P(nn.Parameter):
    def __eq__(self, other):
        return torch.tensor(True)

    @classmethod
    def __torch_function__(cls, f, types, args=(), kwargs=None):
        return torch.tensor(True)
"""
AFTER = {
    "a module within itself": MORE.format("self.me = self"),
    "very many modules": MORE.format("self.more = nn.ModuleList(nn.ReLU() for _ in range(20000))"),
    "a module with a dot in its name": MORE.format("self._modules['a.b'] = nn.ReLU()"),
    "a parameter of another's name": MORE.format("self._parameters['conv.weight'] = self.conv.weight"),
    "parameters that equal everything": PARAMETER + MORE.format("self.conv.weight = P(self.conv.weight.detach())"),
    "a gradient made up": GRADIENT.format("return torch.zeros_like(g)", ".relu()"),
    "a gradient of another shape": GRADIENT.format("return g.sum()", ".relu()"),
    "a gradient that ends the process": GRADIENT.format("import os; os._exit(0)", ".relu()"),
    "an endless gradient": GRADIENT.format("while True: pass", ".relu()"),
    "a right gradient of a wrong result": GRADIENT.format("return g", ""),
    "hooks on all modules": "nn.modules.module.register_module_forward_hook(lambda m, a, out: torch.zeros_like(out))",
    "gradients without end": (
        "from resnet_lib.grading import unseen\nunseen.pulled = lambda *a: [None] * 10**6\n"
        + GRADIENT.format("return g", ".relu()")
    ),
    "edges that are none": (
        "from resnet_lib.grading import unseen\nunseen.frontier = lambda v, s: ({(0, 0): ['v', 0]}, [])\n"
        + GRADIENT.format("return g", ".relu()")
    ),
    "an answer to the question for a gradient that is none": (
        "from resnet_lib.grading import child\nchild.Child.do_pull = lambda *a: ({'grads': 'x'}, [])\n"
        + GRADIENT.format("return g", ".relu()")
    ),
}


def lies():
    """name → the source of a part that is wrong and lies about it."""
    within = {n: STEM + "\n" + "\n".join(f"    {line}" for line in s.splitlines()) for n, s in METHODS.items()}
    return {f"lies: {n}": s for n, s in within.items()} | {f"lies: {n}": f"{STEM}\n\n{s}" for n, s in AFTER.items()}

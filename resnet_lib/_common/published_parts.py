"""The parts of a network under the names that published networks have for them."""

from dataclasses import replace

from torch import nn

from .checks import Checked, check_input, check_training_size
from .step_names import PARTS


def _part(published):
    ours = PARTS[published]
    return property(lambda self: self.get_submodule(ours), doc=f"{ours}, under its published name.")


class PublishedParts(Checked):
    """A network whose parts can be read and replaced by their published names; its `design` follows the new ones.

    `net.layer4` is `net.stage4`, and `net.fc = nn.Linear(2048, 5)` replaces the last layer. For a picture's pooled
    vector, (2048), set `net.fc = nn.Identity()`: the pooling is in `head`, so that
    nn.Sequential(*list(net.children())[:-1]) ends before it, with the maps of Stage 4.
    """

    conv1, bn1, relu, maxpool, layer1, layer2, layer3, layer4, avgpool, fc = map(_part, PARTS)
    __jit_unused_properties__ = (*PARTS, "num_classes")

    @property
    def num_classes(self):
        """How many numbers the network outputs for a picture; of a head of yours, those of its last linear layer."""
        layers = [m for m in self.head.modules() if isinstance(m, nn.Linear)]
        return layers[-1].out_features if layers else self.design.stages[-1].C_out

    def check_call(self, x):
        check_input(self, x)
        check_training_size(self, x)

    def __setattr__(self, name, value):
        if name in PARTS:
            return self._replace(name, value)
        if isinstance(value, nn.Module) and PublishedParts in type(self).__bases__:
            if name in ("classifier", "last_linear", "linear"):
                raise ValueError(f"this network never runs .{name}: its last layer is .fc, so assign that")
            if name == "head" and isinstance(value, nn.Linear):
                raise ValueError("the head is pooling, flattening and a linear layer: assign .fc to replace the last")
        return super().__setattr__(name, value)

    def _replace(self, published, module):
        """Replace a part by its published name. `design` and what is checked follow the numbers of the new one."""
        if not isinstance(module, nn.Module):
            raise ValueError(f".{published} must be an nn.Module, and this is {type(module).__name__}")
        last, C = self.design.stages[-1].C_out, self.design.stem.C1
        if published == "fc" and isinstance(module, nn.Linear):
            if module.in_features != last:
                raise ValueError(
                    f".fc has in_features = {module.in_features:,}, and {last:,} numbers reach it: use {last}"
                )
            self.design = replace(self.design, num_classes=module.out_features)
        if published == "conv1" and isinstance(module, nn.Conv2d):
            if module.out_channels != C:
                raise ValueError(f".conv1 has out_channels = {module.out_channels:,}, and Stage 1 expects {C}: use {C}")
            stem = replace(self.design.stem, kernel=module.kernel_size[0], S=module.stride[0])
            self.design = replace(self.design, stem=stem, in_channels=module.in_channels)
            self.C = self.stage0.C = module.in_channels
        if published == "maxpool":
            pools = not isinstance(module, nn.Identity)
            self.design = replace(self.design, stem=replace(self.design.stem, pool=pools))
        where, _, name = PARTS[published].rpartition(".")
        setattr(self.get_submodule(where) if where else self, name, module)
        self.reduction = self.design.reduction

    def load_state_dict(self, state_dict, *options, **named):
        """As every module's; names of published networks are said as such."""
        try:
            return super().load_state_dict(state_dict, *options, **named)
        except RuntimeError:
            if "conv1.weight" not in state_dict:
                raise
            raise RuntimeError(
                "Error(s) in loading state_dict for ResNet: they have the published names, such as 'conv1.weight'; "
                "pass from_published(…) of them, from resnet_lib"
            ) from None

"""Every explorer, small: the code that makes it, by its name, for tests of what all of them must do."""

PREPARE = """
import torch
import resnet_lib.explorers as E
from resnet_lib import BTNK1, ResNet
from resnet_lib.exercises import Prediction, check_btnk2, width_question
from resnet_lib.experiments.tasks import photographs
from resnet_lib.experiments.training import Recipe
from resnet_lib.network import Design

torch.manual_seed(0)
task, recipe = photographs(n=8, n_test=4), Recipe(epochs=1, batch=4)
tiny = Design.resnet(blocks=(1, 1, 1, 1), base=4, num_classes=len(task.classes))
network = ResNet(base=4, num_classes=len(task.classes)).eval()
"""
MADE = {name: f"E.{name}()" for name in ("BottleneckExplorer", "StemExplorer")}
MADE |= {name: f"E.{name}()" for name in ("ClinicExplorer", "DesignExplorer", "NotationExplorer", "SizeExplorer")}
MADE |= {name: f"E.{name}(size=64)" for name in ("PhotographExplorer", "CompareExplorer", "AttributionExplorer")}
MADE |= {
    "AblationExplorer": "E.AblationExplorer({'a network': network}, task, n=4)",
    "DepthExplorer": "E.DepthExplorer(18)",
    "DesignTrainingExplorer": "E.DesignTrainingExplorer({'mine': tiny}, task, recipe, runs=1)",
    "LandscapeExplorer": "E.LandscapeExplorer({'a network': network}, task, n=4, finest=9)",
    "NetworkExplorer": "E.NetworkExplorer('thin', W=64)",
    "ReportWriter": "E.ReportWriter(print, 'mine')",
    "SpeedExplorer": "E.SpeedExplorer(network, W=32)",
    "StageExplorer": "E.StageExplorer(1, W=32)",
    "TrainingExplorer": "E.TrainingExplorer(lambda seed: {'a network': network}, task, recipe)",
    "TwinExplorer": "E.TwinExplorer(14, task=task, recipe=recipe)",
}

"""The networks that an explorer of one or two of them looks at, and the pictures that they are measured with."""

from ..experiments.ablation import check_classes, own_answers
from ..experiments.tasks import photographs
from ..weights import load


def networks_or_bundled(networks):
    """Return the dictionary name → network, or the bundled one. ValueError for anything but one network or two."""
    if networks is None:
        return {"the bundled network": load("thin")}
    if not isinstance(networks, dict) or not 1 <= len(networks) <= 2:
        raise ValueError("networks must be a dictionary of one network or two, what it is called → network")
    return networks


def tasks_for(networks, task, n):
    """Return name → the first n pictures of the task. Without one: the network's own answers to n pieces of the
    bundled photographs. ValueError where a network and the task have different classes."""
    tasks = {}
    for name, network in networks.items():
        if task is not None:
            check_classes(network, task)
            tasks[name] = task.first(n)
        else:
            # The bundled network bears 128 pixels nearly as well as 224, at a third of the cost.
            size = min(128, network.checkpoint.size) if hasattr(network, "checkpoint") else 32
            tasks[name] = own_answers(network, photographs(size).first(n))
    return tasks

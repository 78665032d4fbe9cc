"""How fast: this machine, its limits, timings, and the same network made faster.

fast           makes a network faster and proves it equal: by fold and join (with onednn), on the steps in graph
timing         times fairly; machine and roofline say what limits a time; checkup says whether a machine is ready
"""

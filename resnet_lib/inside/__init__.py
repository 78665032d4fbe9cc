"""One run of a network looked into: attribution, the arithmetic of one value, what a position sees.

seen           a picture's run, with every step's inputs and outputs
attribution    Grad-CAM, occlusion and gradients; arithmetic explains one value
following      the steps of a block of your own, found by running it without numbers (with functions)
"""

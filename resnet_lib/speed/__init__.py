"""How fast: this machine, its limits, timings, and the same network made faster."""

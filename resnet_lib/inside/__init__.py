"""One run of a network looked into: attribution, the arithmetic of one value, what a position sees."""

"""Yours beside the reference: run both, pair their layers, find the first difference, prove its cause, say it.

Three ways in:

matching    compares a part or a network whose names are its author's own: `compare` (with differing,
            elsewhere, backward)
proof       compares a network step by step: `ladder` (with cause)
clinic      networks with one mistake each, and four examinations

What they stand on:

reference   the library's module and inputs, run once for all answers; survey runs a module and lists the layers that
            computed, in order, whatever they are called (with autograd, registered)
rungs       runs two networks and holds their steps side by side
by_name     says which entry is which by name, pairing which layer is which by shape and order
steady      calls a module again and again, unusual with inputs that nobody expects; kept, own_names and remarks say
            what is odd in how it is made
misfit      says which layer is missing, too many, or of another shape
mistakes    the usual mistakes, each a change of the reference; planting finds the one with the learner's numbers
kinds       makes findings; sentences has their words
errors      explains what a learner's code raises, from the table in meanings; endless stops what never ends
"""

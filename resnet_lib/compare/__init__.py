"""Yours beside the reference: run both, pair their layers, find the first difference, prove its cause, say it."""

"""Stacks, annotations and weight maps: arrays in, arrays out, no torch."""

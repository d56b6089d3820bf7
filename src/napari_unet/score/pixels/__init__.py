"""Scores of pixels: how far predicted and true masks overlap."""

"""Scores of objects: cells merged, split, found and missed."""

"""The Measure dock: a number for each object."""

"""The Weights dock: the border-weight map, seen while it is tuned."""

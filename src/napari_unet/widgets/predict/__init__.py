"""The Predict dock: a model applied to a slice or a stack."""

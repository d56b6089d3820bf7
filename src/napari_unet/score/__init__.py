"""How good a prediction is, against ground truth."""

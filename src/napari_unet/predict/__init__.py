"""From a trained network and an image to labels and probabilities."""

"""What several docks let the user choose: layers, models, kinds, classes, keys."""

"""The Train dock: from annotated layers to a model, at once or live."""

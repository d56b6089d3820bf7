"""Between napari's layers and the arrays of the core; nothing here is a widget."""

"""Models of other programs, as bioimage.io packages hold them."""

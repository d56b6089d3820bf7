"""Files beside TIFF and pictures, each read through the library that is kept for it."""

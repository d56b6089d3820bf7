"""Give arrays of your own their meaning, and hear what is wrong with them."""

import numpy as np

import napari_unet
from napari_unet import NapariUNetError, Stack, prepare_image, write_stack


def main() -> None:
    print("napari-unet", napari_unet.__version__)
    data = np.random.default_rng(0).integers(0, 255, (5, 64, 64), np.uint8)
    stack = Stack(data, axes="ZYX", pixel_size=(50, 4, 4), unit="nm", source="mine")
    write_stack("mine.tif", stack.data, like=stack)
    try:
        prepare_image(stack, np.zeros((5, 64, 60), np.uint8))
    except NapariUNetError as error:  # every error that a user can cause
        print(error)


if __name__ == "__main__":
    main()

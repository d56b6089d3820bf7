"""Measure cells in nanometres, and correct two of them that ran together."""

import numpy as np

from napari_unet import (
    ObjectBoxes,
    ObjectMeasures,
    measure_objects,
    number_objects,
    read_stack,
    write_stack,
)
from napari_unet.proofread.parting import split_by_seeds
from napari_unet.proofread.repair import merge
from napari_unet.samples import em_stack


def show(what: str, found: ObjectMeasures) -> None:
    largest = found.values["area"].max()
    print(f"{what}: {len(found)} cells, the largest of {largest:.0f} {found.unit}^2")


def main(size: int = 256) -> None:
    stack, objects = em_stack((1, size, size))
    write_stack("em.tif", stack.data, like=stack)
    image = read_stack("em.tif")
    cells = np.array(objects)
    options = {"pixel_size": image.zyx_size, "unit": image.unit}
    before = measure_objects(number_objects(cells), image.as_czyx(), **options)
    show("as drawn", before)
    before.save_csv("cells.csv")

    first, second = before.values["object"][:2].tolist()
    boxes = ObjectBoxes(cells)
    change = merge(boxes, [first, second])
    cells[change.box] = change.values
    boxes.include(change.box)
    print(change.words)
    seeds = [np.argwhere(objects == number)[0] for number in (first, second)]
    print(split_by_seeds(boxes, first, seeds, image.zyx_size).words)
    show("merged", measure_objects(number_objects(cells), **options))


if __name__ == "__main__":
    main()

"""What is measured of each object: names, units and what they mean."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One measure.

    Attributes
    ----------
    title
        As a table shows it.
    words
        What it is, in a sentence.
    power
        Of the unit of length in its unit: 1 a length, 2 an area, 3 a volume, 0 none.
    unit
        Its unit where that is no power of a length.
    """

    title: str
    words: str
    power: int = 0
    unit: str = ""

    def unit_in(self, unit: str) -> str:
        """Return its unit, such as "nm^2", where lengths are in `unit`; "" for none."""
        if not self.power:
            return self.unit
        short = "px" if unit == "pixel" else unit
        return short if self.power == 1 else f"{short}^{self.power}"


COLUMNS: dict[str, Column] = {
    "object": Column("object", "Number of the object: its value in the labels."),
    "class": Column("class", "Class of the object; the name where it is known."),
    "slice": Column("slice", "Slice that the object lies in, counted from 0."),
    "z": Column("z", "Middle of the object across the slices.", 1),
    "y": Column("y", "Middle of the object down the image.", 1),
    "x": Column("x", "Middle of the object across the image.", 1),
    "area": Column("area", "Its pixels, each as large as a pixel is.", 2),
    "volume": Column("volume", "Its voxels, each as large as a voxel is.", 3),
    "perimeter": Column("perimeter", "Length of its boundary, holes too.", 1),
    "surface": Column("surface", "Area of its surface, hollows too.", 2),
    "equivalent_diameter": Column(
        "equivalent diameter", "Of the disc or ball of the same size.", 1
    ),
    "feret": Column("Feret diameter", "Largest distance across it.", 1),
    "min_feret": Column(
        "minimal Feret diameter", "Width of the narrowest slit it passes through.", 1
    ),
    "long_axis": Column(
        "long axis", "Length of the ellipse or ellipsoid with the same moments.", 1
    ),
    "middle_axis": Column("middle axis", "Middle axis of that ellipsoid.", 1),
    "short_axis": Column("short axis", "Width of that ellipse or ellipsoid.", 1),
    "circularity": Column(
        "circularity", "4 pi area / perimeter^2: 1 for a disc, less for all else."
    ),
    "sphericity": Column(
        "sphericity",
        "Surface of the ball of the same volume / surface: 1 for a ball, less for all "
        "else.",
    ),
    "orientation": Column(
        "orientation",
        "Angle of its long axis to the rows of the image, anticlockwise, 0 to 180.",
        unit="deg",
    ),
    "tilt": Column(
        "tilt", "Angle of its long axis to the plane of the slices.", unit="deg"
    ),
    "extent": Column("extent", "Share that it fills of the box around it."),
    "at_border": Column(
        "at border", "1 where it touches the image's border and may go on outside."
    ),
    "mean_grey": Column("mean grey value", "Mean of the image inside it."),
    "std_grey": Column(
        "SD of grey values", "Standard deviation of the image inside it."
    ),
    "neighbours": Column(
        "neighbours",
        "Other objects that touch it, or are one pixel apart, diagonals too.",
    ),
    "nearest": Column(
        "distance to nearest",
        "From its nearest pixel to the nearest of another object: one pixel where they "
        "touch.",
        1,
    ),
    "to_other": Column(
        "distance to other labels",
        "From its nearest pixel to the nearest of the other labels: 0 on an overlap.",
        1,
    ),
}
"""All measures by name, in the order in which they stand in a table."""

"""What microscopes and programs write of the size of pixels is read as they mean it."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet.data.calibration import Calibration
from napari_unet.data.read import read_stack
from napari_unet.data.stack import Stack

SCREEN = {"resolution": (96, 96), "resolutionunit": "INCH"}
FEI = """[User]
UserText=cells
[Beam]
Beam=EBeam
Scan=EScan
[Scan]
PixelWidth=7.70833e-009
PixelHeight=7.70833e-009
[EScan]
PixelWidth=7.70833e-009
[Image]
ResolutionX=96
ResolutionY=64
[PrivateFei]
DatabarHeight=0
"""
FEI_XML = """<?xml version="1.0"?>
<Metadata xmlns:nil="http://schemas.fei.com/Metadata/v1/2013/07"><BinaryResult>
<ImageSize><X>96</X><Y>64</Y></ImageSize>
<PixelSize><X unit="m" unitPrefixPower="1">9.765625E-08</X>
<Y unit="m" unitPrefixPower="1">9.765625E-08</Y></PixelSize>
</BinaryResult></Metadata>"""
NAV_CAM = """[Beam]
Beam=IRBeam
[IRBeam]
HFW=0.0192
[Image]
ResolutionX=96
ResolutionY=64
"""
TESCAN = """AccFrames=1
Device=MIRA3 LMH
ImageStripSize=6
PixelSizeX=4.5e-9
PixelSizeY=5e-9
"""
HITACHI = (
    "[SemImageFile]\r\nInstructName=SU8000\r\nDataSize={}\r\nPixelSize=49.60938\r\n"
)
JEOL = """$CM_FORMAT JEOL-SEM
$CM_MAG 50000
$$SM_MICRON_BAR 50
$$SM_MICRON_MARKER 100nm
$CM_FULL_SIZE 96 64
"""
SIGHT_X = """<?xml version="1.0"?><TemReporter>
<Eos><EosMode>{eos}</EosMode></Eos><ImageFormingSystem>
<ModeString>{mode}</ModeString><SelectorValue>{value}</SelectorValue>
</ImageFormingSystem></TemReporter>"""


BAR_NOTE = (
    "its info bar, 6 rows at the bottom, is neither trained on, predicted nor scored: "
    "if it is none, --info-bar 0 (or Info bar in the Load tab)"
)


def picture(rows: int = 70, columns: int = 96) -> Any:
    return np.arange(rows * columns, dtype=np.uint16).reshape(rows, columns)


def write(path: Path, *tags: tuple[int, str, bytes | float], **options: Any) -> Path:
    """Write a picture with a screen's resolution and tags of its own."""
    extra = []
    for code, kind, value in tags:
        count = len(value) if isinstance(value, bytes) else 1
        extra.append((code, kind, count, value, False))
    kept = {"photometric": "minisblack", "metadata": None, "extratags": extra}
    tifffile.imwrite(path, **{"data": picture(), **SCREEN, **kept, **options})
    return path


def measured(stack: Stack) -> tuple[tuple[float, ...], str, str, int, str]:
    """Return pixel size, unit, source, info bar and axes."""
    found = stack.calibration_source, stack.info_bar, stack.axes
    return (stack.pixel_size, stack.unit, *found)


def point(path: Path, page: int, code: int, block: bytes) -> None:
    """Put a block at the end of a file, and its place into a tag of one number."""
    with tifffile.TiffFile(path) as tif:
        place = tif.pages[page].tags[code].offset + 8
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        file.write(block)
        file.seek(place)
        file.write(struct.pack("<I", end))


def smart_sem(*lines: str, unnamed: float = 0.0) -> bytes:
    return "\r\n".join(["0", "0", "0", f"{unnamed}", *lines, ""]).encode("cp1252")


def gatan(*axes: tuple[float, str]) -> list[tuple[int, str, bytes | float]]:
    units = [(65003 + i, "s", f"{u}\0".encode()) for i, (_, u) in enumerate(axes)]
    return [*units, *((65009 + i, "d", scale) for i, (scale, _) in enumerate(axes))]


@pytest.mark.parametrize("code", [34682, 34680])
def test_fei_states_metres_and_the_bar_lies_below_the_rows_that_were_scanned(
    tmp_path: Path, code: int
) -> None:
    path = write(tmp_path / "a.tif", (code, "s", FEI.encode()))
    read = read_stack(path)
    size, source = (7.70833, 7.70833), "Thermo Fisher metadata"
    assert measured(read) == (size, "nm", source, 6, "YX")
    assert read.notes == (BAR_NOTE,)
    stack = read_stack(path, info_bar=0)
    assert (stack.info_bar, stack.notes) == (0, ())


def test_newer_files_of_thermo_fisher_hold_xml_alone(tmp_path: Path) -> None:
    read = read_stack(write(tmp_path / "a.tif", (34683, "s", FEI_XML.encode())))
    size, source = (97.65625, 97.65625), "Thermo Fisher metadata"
    assert measured(read) == (size, "nm", source, 6, "YX")


def test_a_navigation_camera_has_a_field_of_view(tmp_path: Path) -> None:
    read = read_stack(write(tmp_path / "a.tif", (34682, "s", NAV_CAM.encode())))
    assert measured(read) == ((200, 200), "um", "Thermo Fisher metadata", 6, "YX")


def test_an_instrument_that_states_nothing_is_not_replaced_by_the_screen(
    tmp_path: Path,
) -> None:
    text = NAV_CAM.replace("HFW=0.0192", "HFW=")
    read = read_stack(write(tmp_path / "a.tif", (34682, "s", text.encode())))
    assert measured(read) == ((1, 1), "pixel", "", 6, "YX")
    assert read.notes == (
        "Thermo Fisher metadata states no pixel size: set the pixel size",
        BAR_NOTE,
    )


@pytest.mark.parametrize(
    ("columns", "size"), [(512, 11.650391), (1024, 5.8251953), (2048, 2.9125977)]
)
def test_smart_sem_states_the_width_and_a_pixel_size_for_1024_columns(
    tmp_path: Path, columns: int, size: float
) -> None:
    lines = ["AP_PIXEL_SIZE", "Pixel Size = 5.825 nm", "AP_WIDTH", "Width = 5.965 µm"]
    tags = (34118, "s", smart_sem(*lines))
    read = read_stack(write(tmp_path / "a.tif", tags, data=picture(40, columns)))
    assert measured(read) == ((size, size), "nm", "Zeiss SmartSEM", 0, "YX")


@pytest.mark.parametrize(
    ("lines", "size", "unit"),
    [
        (["AP_IMAGE_PIXEL_SIZE", "Image Pixel Size = 12.33 nm"], 12.33, "nm"),
        (["AP_WIDTH", "Width = 0 fm", "AP_MAG", "Mag = 105 X"], 49.7, "nm"),
        (["AP_WIDTH", "Width = 1.92 mm"], 20, "um"),
    ],
)
def test_smart_sem_may_leave_the_width_to_other_values(
    tmp_path: Path, lines: list[str], size: float, unit: str
) -> None:
    text = smart_sem(*lines, unnamed=4.659375e-9)
    read = read_stack(write(tmp_path / "a.tif", (34118, "s", text)))
    assert read.pixel_size == pytest.approx((size, size))
    assert (read.unit, read.calibration_source) == (unit, "Zeiss SmartSEM")


def test_smart_sem_stores_the_gray_value_as_the_index_of_a_palette(
    tmp_path: Path,
) -> None:
    values = np.arange(70 * 96, dtype=np.uint8).reshape(70, 96)
    ramp = np.tile(np.arange(256, dtype=np.uint16) * 257, (3, 1))
    text = smart_sem("DP_IMAGE_STORE", "Store resolution = 96 * 64", unnamed=1e-9)
    path = tmp_path / "a.tif"
    write(path, (34118, "s", text), data=values, photometric="palette", colormap=ramp)
    read = read_stack(path)
    np.testing.assert_array_equal(read.data, values)
    assert (read.axes, read.info_bar) == ("YX", 6)


@pytest.mark.parametrize(
    ("unit", "size"), [("um", (0.01, 0.005)), ("nm", (0.01, 0.005)), ("", None)]
)
def test_atlas_states_vectors_that_turn_with_the_scan(
    tmp_path: Path, unit: str, size: tuple[float, float] | None
) -> None:
    vectors = "<Ux>0.003</Ux><Uy>-0.004</Uy><Vx>0.008</Vx><Vy>0.006</Vy>"
    view = f'<FOV_X units="{unit}">0.48</FOV_X>' if unit else "<FOV_X>0.48</FOV_X>"
    text = f'<?xml version="1.0"?><Fibics><Scan>{vectors}{view}</Scan></Fibics>'
    read = read_stack(write(tmp_path / "a.tif", (51023, "s", text.encode())))
    expected = (size, unit, "ATLAS metadata") if size else ((1, 1), "pixel", "")
    assert measured(read) == (*expected, 0, "YX")


def test_item_puts_a_preview_in_colour_before_the_image(tmp_path: Path) -> None:
    path, image = tmp_path / "a.tif", picture()
    with tifffile.TiffWriter(path) as tif:
        preview = np.zeros((70, 96, 3), np.uint8)
        tif.write(preview, photometric="rgb", metadata=None, **SCREEN)
        tag = (33560, "I", 1, 8, False)
        tif.write(image, metadata=None, extratags=[tag], **SCREEN)
    end = path.stat().st_size
    head = struct.pack("<4s6xhhhhh6x32sH", b"SIS0", 42, 19, 15, 10, 118, b"cells", 1)
    data = struct.pack("<10xhdd8xd2x34s32s", -9, 1.5, 2.5, 6e5, b"Quemesa", b"")
    point(path, 1, 33560, head + struct.pack("<hhI", 1, 1, end + 68) + data)
    read = read_stack(path)
    assert measured(read) == ((2.5, 1.5), "nm", "Olympus iTEM", 0, "YX")
    np.testing.assert_array_equal(read.data, image)
    assert read.notes == ("begins with a preview; its image, 70 x 96 uint16, was read",)


def test_tvips_states_nanometres(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", (37706, "I", 8))
    first = np.zeros(1, tifffile.TIFF.TVIPS_HEADER_V1)
    second = np.zeros(1, tifffile.TIFF.TVIPS_HEADER_V2)
    first["Version"], second["Magic"] = 2, 0xAAAAAAAA
    second["PixelSizeX"], second["PixelSizeY"] = 1.5, 1.25
    point(path, 0, 37706, first.tobytes() + second.tobytes())
    assert measured(read_stack(path)) == ((1.25, 1.5), "nm", "TVIPS", 0, "YX")


def test_tescan_writes_lines_behind_bytes_of_its_own(tmp_path: Path) -> None:
    block = b"\x01\x00\xff\xfe\x00" + TESCAN.encode() + b"\0"
    read = read_stack(write(tmp_path / "a.tif", (50431, "B", block)))
    assert measured(read) == ((5, 4.5), "nm", "Tescan metadata", 6, "YX")


def test_tescan_writes_a_sidecar_too(tmp_path: Path) -> None:
    (tmp_path / "a-tif.hdr").write_text("[MAIN]\n" + TESCAN + "[SEM]\nHV=5000\n")
    read = read_stack(write(tmp_path / "a.tif"))
    assert measured(read) == ((5, 4.5), "nm", "sidecar a-tif.hdr", 6, "YX")


def test_hitachi_writes_the_comment_that_windows_shows(tmp_path: Path) -> None:
    text = "SerialNumber=2170\r\nPixelSize=496.0938\r\nVacuum=50\r\n"
    read = read_stack(write(tmp_path / "a.tif", (40092, "B", text.encode("utf-16-le"))))
    assert measured(read) == ((496.0938,) * 2, "nm", "Hitachi metadata", 0, "YX")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg", "a.bmp"])
def test_hitachi_writes_a_sidecar_for_pictures_of_any_format(
    tmp_path: Path, name: str, encoding: str
) -> None:
    if name == "a.tif":
        write(tmp_path / name)
    else:
        Image.fromarray(picture().astype(np.uint8)).save(tmp_path / name)
    (tmp_path / "a.txt").write_text(HITACHI.format("96x64"), encoding=encoding)
    read = read_stack(tmp_path / name)
    assert measured(read) == ((49.60938,) * 2, "nm", "sidecar a.txt", 6, "YX")


def test_a_sidecar_of_another_size_is_of_another_picture(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(HITACHI.format("1280x960"), encoding="utf-16")
    read = read_stack(write(tmp_path / "a.tif"))
    assert measured(read) == ((1, 1), "pixel", "", 0, "YX")
    assert read.notes == (
        "the sidecar a.txt is of an image of 960 x 1280 pixels: set the pixel size",
    )


def test_notes_of_the_user_are_no_sidecar(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("PixelSize=5: measured by hand\n")
    read = read_stack(write(tmp_path / "a.tif"))
    assert (read.unit, read.calibration_source) == ("pixel", "")


@pytest.mark.parametrize(
    ("text", "size", "unit"),
    [
        (JEOL, 2, "nm"),
        (JEOL + "$CM_FIELD_OF_VIEW 0.2016µm 0.1344µm\n", 0.0021, "um"),
        (JEOL.replace("$$SM_MICRON", "$$NO"), None, "pixel"),
    ],
)
def test_jeol_states_a_bar_or_its_field_of_view_in_a_sidecar(
    tmp_path: Path, text: str, size: float | None, unit: str
) -> None:
    (tmp_path / "a.txt").write_text(text, encoding="cp1252")
    dots = {"resolution": (254, 254), "resolutionunit": "INCH"}
    read = read_stack(write(tmp_path / "a.tif", **dots))
    if size is None:
        assert (read.unit, read.info_bar) == (unit, 6)
        unknown = "sidecar a.txt states no pixel size: set the pixel size"
        assert read.notes == (unknown, BAR_NOTE)
        return
    assert measured(read) == ((size, size), unit, "sidecar a.txt", 6, "YX")


@pytest.mark.parametrize(
    ("eos", "mode", "size"),
    [
        ("eosTEM", "MAG", 1.8207885),
        ("eosTEM", "DIFF", None),
        ("eosASID", "MAG", None),
    ],
)
def test_sight_x_states_a_magnification_for_its_screen(
    tmp_path: Path, eos: str, mode: str, size: float | None
) -> None:
    text = SIGHT_X.format(eos=eos, mode=mode, value=150_000)
    dots = {"resolution": (93, 93), "resolutionunit": "INCH"}
    read = read_stack(write(tmp_path / "a.tif", description=text, **dots))
    expected = ((size, size), "nm") if size else ((1, 1), "pixel")
    assert (read.pixel_size, read.unit) == expected
    assert bool(read.notes) == (size is None)


def test_gatan_states_a_scale_and_a_unit_for_each_axis(tmp_path: Path) -> None:
    tags = gatan((0.5, "nm"), (0.002, "µm"), (2.5, "s"))
    volume = np.zeros((2, 70, 96), np.float32)
    read = read_stack(write(tmp_path / "a.tif", *tags, data=volume))
    size, source = (1, 2, 0.5), "Gatan DigitalMicrograph"
    assert measured(read) == (size, "nm", source, 0, "ZYX")
    assert read.unknown_axes == "Z"


@pytest.mark.parametrize("unit", ["1/nm", "s", ""])
def test_gatan_states_lengths_only_where_the_unit_is_one(
    tmp_path: Path, unit: str
) -> None:
    read = read_stack(write(tmp_path / "a.tif", *gatan((0.1, unit), (0.1, unit))))
    assert (read.pixel_size, read.unit) == ((1, 1), "pixel")
    assert read.notes == (
        "Gatan DigitalMicrograph states no pixel size: set the pixel size",
    )


def test_an_axis_of_seconds_gets_no_length_from_the_other(tmp_path: Path) -> None:
    read = read_stack(write(tmp_path / "a.tif", *gatan((5, "nm"), (0.1, "s"))))
    assert (read.pixel_size, read.unit) == ((1, 1), "pixel")


@pytest.mark.parametrize("shaped", [True, False])
def test_open_fibsem_states_metres_as_json(tmp_path: Path, shaped: bool) -> None:
    meta = {"pixel_size": {"x": 6.5e-9, "y": 7e-9}, "image": {"hfw": 1e-5}}
    path = tmp_path / "a.tif"
    if shaped:
        tifffile.imwrite(path, picture(), metadata=meta)
    else:
        write(path, description=json.dumps(meta))
    assert measured(read_stack(path)) == ((7, 6.5), "nm", "OpenFIBSEM", 0, "YX")


@pytest.mark.parametrize(("slices", "deep"), [(5, 0.2), (1, 0.05)])
def test_the_box_of_amira_and_mib_lies_on_the_centres_of_voxels(
    tmp_path: Path, slices: int, deep: float
) -> None:
    text = f"BoundingBox 0.00000 0.38000 1.00000 1.27600 0.00000 {deep:.5f} |cells"
    path = tmp_path / "a.tif"
    write(path, data=np.zeros((slices, 70, 96), np.uint8), description=text)
    read = read_stack(path)
    size, source = (0.05, 0.004, 0.004), "BoundingBox (Amira, MIB)"
    expected = (size, "um", source, 0, "ZYX")
    if slices == 1:
        expected = (size[1:], "um", source, 0, "YX")
    assert measured(read) == expected
    assert read.notes == (
        "its BoundingBox states no unit: um is taken, as MIB writes it",
    )


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ("\\u00B5m", "um"),
        ("\\u03BCm", "um"),
        ("μm", "um"),
        ("micron", "um"),
        ("\\u00C5", "angstrom"),
        ("A", "angstrom"),
        ("nm", "nm"),
        ("mm", "mm"),
    ],
)
def test_imagej_escapes_letters_in_general(
    tmp_path: Path, unit: str, name: str
) -> None:
    text = f"ImageJ=1.54f\nunit={unit}\n".encode()
    write(tmp_path / "a.tif", (270, "s", text), resolution=(4, 2), resolutionunit=1)
    read = read_stack(tmp_path / "a.tif")
    assert measured(read) == ((0.5, 0.25), name, "ImageJ", 0, "YX")


def test_imagej_has_a_unit_for_each_axis(tmp_path: Path) -> None:
    text = b"ImageJ=1.54f\nimages=3\nslices=3\nunit=nm\nyunit=micron\nzunit=um\n"
    write(
        tmp_path / "a.tif",
        (270, "s", text + b"spacing=0.05\n"),
        data=np.zeros((3, 70, 96), np.uint8),
        resolution=(0.25, 200),
        resolutionunit=1,
    )
    read = read_stack(tmp_path / "a.tif")
    assert measured(read) == ((50, 5, 4), "nm", "ImageJ", 0, "ZYX")


@pytest.mark.parametrize(
    ("unit", "note"),
    [
        ("cm", "ImageJ states the unit cm, but no resolution: set the pixel size"),
        (
            "furlong",
            'ImageJ states the unit "furlong", which is no length: set the pixel size',
        ),
    ],
)
def test_a_unit_of_imagej_without_a_resolution_is_no_size(
    tmp_path: Path, unit: str, note: str
) -> None:
    path = tmp_path / "a.tif"
    text = f"ImageJ=1.54f\nunit={unit}\n".encode()
    write(path, (270, "s", text), resolution=(1, 1), resolutionunit=1)
    if unit == "cm":
        with tifffile.TiffFile(path, mode="r+") as tif:
            for name in ("XResolution", "YResolution"):
                tif.pages.first.tags[name].overwrite((0, 0))
    read = read_stack(path)
    assert measured(read) == ((1, 1), "pixel", "", 0, "YX")
    assert read.notes == (note,)


@pytest.mark.parametrize(
    ("unit", "resolution", "size"),
    [
        ("inch", 96, None),
        ("inch", 300, None),
        ("cm", 28.35, None),
        ("cm", 2_500_000, 4e-7),
    ],
)
def test_inches_of_imagej_may_be_a_screens(
    tmp_path: Path, unit: str, resolution: float, size: float | None
) -> None:
    text = f"ImageJ=1.54f\nunit={unit}\n".encode()
    options = {"resolution": (resolution,) * 2, "resolutionunit": 1}
    read = read_stack(write(tmp_path / "a.tif", (270, "s", text), **options))
    expected = ((size, size), unit) if size else ((1, 1), "pixel")
    assert (read.pixel_size, read.unit) == expected
    assert len(read.notes) == (size is None)


@pytest.mark.parametrize(
    ("resolution", "unit", "size"),
    [
        (2_500_000, "CENTIMETER", 0.004),
        (6_350_000, "INCH", 0.004),
        (1_001, "CENTIMETER", 9.9900100),
        (2_540, "INCH", None),
        (96, "INCH", None),
        (254, "INCH", None),
        (192, "INCH", None),
        (118.11, "CENTIMETER", None),
    ],
)
def test_a_resolution_is_believed_below_ten_micrometres(
    tmp_path: Path, resolution: float, unit: str, size: float | None
) -> None:
    options = {"resolution": (resolution,) * 2, "resolutionunit": unit}
    read = read_stack(write(tmp_path / "a.tif", **options))
    if size:
        assert measured(read) == ((size, size), "um", "resolution tags", 0, "YX")
        return
    dots = resolution * (2.54 if unit == "CENTIMETER" else 1)
    assert (read.pixel_size, read.unit) == ((1, 1), "pixel")
    assert read.notes == (
        f"the file says {dots:.4g} dots per inch, as for screens and printers: set the "
        "pixel size",
    )


def test_micrometres_that_a_converter_made_of_a_screens_dots_are_not_believed(
    tmp_path: Path,
) -> None:
    size = {"PhysicalSizeX": 25_400 / 72, "PhysicalSizeY": 25_400 / 72}
    tifffile.imwrite(tmp_path / "a.tif", picture(), ome=True, metadata=size)
    read = read_stack(tmp_path / "a.tif")
    assert (read.pixel_size, read.unit) == ((1, 1), "pixel")
    assert read.notes[0].startswith("the file says 72 dots per inch")


def test_a_folder_of_slices_does_not_say_how_far_they_are_apart(
    tmp_path: Path,
) -> None:
    for index in range(3):
        write(tmp_path / f"slice{index}.tif", (34682, "s", FEI.encode()))
    read = read_stack(tmp_path)
    size, source = (1, 7.70833, 7.70833), "Thermo Fisher metadata"
    assert measured(read) == (size, "nm", source, 6, "ZYX")
    assert read.unknown_axes == "Z"
    distance = "how far apart its slices are is not stated: 3D asks for it"
    assert read.notes == (distance, BAR_NOTE)
    assert math.isclose(read.size_for(2)[1], 7.70833)


@pytest.mark.parametrize(
    "text",
    [
        JEOL.replace("96 64", "wide 64"),
        JEOL + "$CM_FIELD_OF_VIEW ..µm\n",
        JEOL.replace("50\n", "1e400\n"),
        HITACHI.format("x"),
    ],
)
def test_nonsense_in_a_sidecar_keeps_no_picture_from_being_read(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "a.txt").write_text(text)
    assert read_stack(write(tmp_path / "a.tif")).shape == (70, 96)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (34682, FEI.replace("=96", "=1e400")),
        (34682, FEI.replace("7.70833", "wide")),
        (34683, FEI_XML[:-20]),
        (34118, "AP_WIDTH\r\nWidth = wide"),
        (50431, "PixelSizeX=\nImageStripSize=many"),
        (51023, "<Fibics>"),
        (270, "BoundingBox + - 0 1 2 3"),
        (270, '{"pixel_size": [4, 4]}'),
    ],
)
def test_nonsense_in_a_tag_keeps_no_picture_from_being_read(
    tmp_path: Path, code: int, text: str
) -> None:
    kind = "B" if code == 50431 else "s"
    read = read_stack(write(tmp_path / "a.tif", (code, kind, text.encode())))
    assert read.shape == (70, 96)


@pytest.mark.parametrize(
    ("size", "told"), [("7.70833e-009", False), ("1.5e-8", True), ("", True)]
)
def test_slices_of_another_pixel_size_are_told(
    tmp_path: Path, size: str, told: bool
) -> None:
    for index in range(3):
        text = FEI if index < 2 else FEI.replace("7.70833e-009", size)
        write(tmp_path / f"{index}.tif", (34682, "s", text.encode()))
    read = read_stack(tmp_path)
    assert read.pixel_size == (1, 7.70833, 7.70833)
    words = "slice 2 (2.tif) has pixels of another size than 0.tif, whose size counts"
    assert (words in read.notes) == told
    given = read_stack(tmp_path, Calibration.given("50 4 4", "nm"))
    assert words not in given.notes

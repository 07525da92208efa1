"""Panoramas as JPEG with GPano metadata, so that viewers show them as a sphere.

Sources: Google, "Photo Sphere XMP Metadata" (the fields); Adobe, "XMP Specification, Part 3:
Storage in Files" (2016), section 1.1.3 (XMP in a JPEG's APP1 segment) and part 1, section 8.4
(Dublin Core: author and copyright). A picture that lacks the poles or sides states where it lies
on the whole sphere. Where, when and by whom it was taken stands in its EXIF (`exif`), too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import cv2
import numpy as np

from tasks.core.errors import DataError, ResourceError
from tasks.core.files import whole_file
from tasks.panorama.pictures.exif import SOFTWARE, exif_of
from tasks.panorama.pictures.imprint import UNKNOWN, Imprint
from tasks.panorama.types import ByteImage

NAMESPACE = "http://ns.google.com/photos/1.0/panorama/"
_DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
XMP_SIGNATURE = b"http://ns.adobe.com/xap/1.0/\0"
_MAX_JPEG_SIDE_PX = 65_500
_XMP_WITHIN_BYTES = 1 << 18  # segments before the picture, this one among them


@dataclass(frozen=True)
class GPano:
    """Where a picture lies on its sphere.

    Attributes:
        full_width_px: Width of the whole equirectangular panorama.
        full_height_px: Its height: half the width.
        left_px: Column of the whole at which the picture begins.
        top_px: Row of the whole at which the picture begins.
        num_photos: How many photos it was made from.
        imprint: Where the photos come from.
    """

    full_width_px: int
    full_height_px: int
    left_px: int = 0
    top_px: int = 0
    num_photos: int = 0
    imprint: Imprint = UNKNOWN


def write_panorama_jpeg(path: Path, image: ByteImage, gpano: GPano, quality: int = 92) -> None:
    """Write a panorama; the file appears whole or not at all.

    Args:
        path: The JPEG file.
        image: (height, width, 3) BGR, the whole panorama or a part of it.
        gpano: Where the picture lies.
        quality: JPEG quality, 1 to 100.

    Raises:
        DataError: The picture does not fit into the stated panorama, or into a JPEG.
        ResourceError: It can't be written, for example because the disk is full.
    """
    _check(image, gpano)
    # OpenCV writes the segments as they are given. Pillow's writer gives the same file, but first
    # copies the picture to four bytes a pixel, which takes two thirds longer.
    segments = {
        cv2.IMAGE_METADATA_EXIF: exif_of(gpano.imprint, image.shape[1::-1]),
        cv2.IMAGE_METADATA_XMP: XMP_SIGNATURE + _xmp(image, gpano).encode("utf-8"),
    }
    is_encoded, buffer = cv2.imencodeWithMetadata(
        ".jpg",
        image,
        list(segments),
        [np.frombuffer(segment, np.uint8) for segment in segments.values()],
        [cv2.IMWRITE_JPEG_QUALITY, quality],
    )
    if not is_encoded:
        raise DataError(f"{path}: the JPEG encoder refused a picture of shape {image.shape}.")
    _write_whole(path, buffer.tobytes())


def read_place(path: Path) -> GPano | None:
    """Read where a panorama's picture lies on its sphere, and its heading; None if it says none.

    Args:
        path: A JPEG that `write_panorama_jpeg` wrote.
    """
    with path.open("rb") as file:
        start = file.read(_XMP_WITHIN_BYTES).decode("latin-1")
    found = dict(re.findall(r'GPano:(\w+)="([\d.]+)"', start))
    heading = found.get("PoseHeadingDegrees")
    try:
        return GPano(
            full_width_px=int(found["FullPanoWidthPixels"]),
            full_height_px=int(found["FullPanoHeightPixels"]),
            left_px=int(found["CroppedAreaLeftPixels"]),
            top_px=int(found["CroppedAreaTopPixels"]),
            num_photos=int(found.get("SourcePhotosCount", 0)),
            imprint=Imprint(heading_deg=None if heading is None else float(heading)),
        )
    except KeyError:
        return None


def _check(image: ByteImage, gpano: GPano) -> None:
    height, width = image.shape[:2]
    if max(height, width) > _MAX_JPEG_SIDE_PX:
        raise DataError(
            f"panorama of {width} x {height} px: expected at most {_MAX_JPEG_SIDE_PX} px, JPEG's "
            "limit; set a smaller panorama width."
        )
    fits = (
        gpano.left_px >= 0
        and gpano.top_px >= 0
        and gpano.left_px + width <= gpano.full_width_px
        and gpano.top_px + height <= gpano.full_height_px
        and gpano.full_width_px == 2 * gpano.full_height_px
    )
    if not fits:
        raise DataError(
            f"picture of {width} x {height} px at ({gpano.left_px}, {gpano.top_px}): expected it "
            f"to lie within {gpano.full_width_px} x {gpano.full_height_px} px, twice as wide as "
            "high."
        )


def _xmp(image: ByteImage, gpano: GPano) -> str:
    fields: dict[str, object] = {
        "UsePanoramaViewer": "True",
        "ProjectionType": "equirectangular",
        "StitchingSoftware": SOFTWARE,
        "FullPanoWidthPixels": gpano.full_width_px,
        "FullPanoHeightPixels": gpano.full_height_px,
        "CroppedAreaImageWidthPixels": image.shape[1],
        "CroppedAreaImageHeightPixels": image.shape[0],
        "CroppedAreaLeftPixels": gpano.left_px,
        "CroppedAreaTopPixels": gpano.top_px,
    }
    if gpano.num_photos:
        fields["SourcePhotosCount"] = gpano.num_photos
    imprint = gpano.imprint
    if imprint.heading_deg is not None:
        fields["PoseHeadingDegrees"] = f"{round(imprint.heading_deg, 3) % 360:.3f}"
    if imprint.first_date:
        fields |= {"FirstPhotoDate": imprint.first_date, "LastPhotoDate": imprint.last_date}
    attributes = "\n".join(
        f"GPano:{name}={quoteattr(str(value))}" for name, value in fields.items()
    )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        f'<rdf:Description rdf:about="" xmlns:GPano="{NAMESPACE}" xmlns:dc="{_DUBLIN_CORE}"\n'
        f"{attributes}>\n{_people(imprint)}</rdf:Description>\n"
        "</rdf:RDF>\n</x:xmpmeta>\n"
        '<?xpacket end="r"?>'
    )


def _people(imprint: Imprint) -> str:
    """Author and copyright: a list in order, and texts by language."""
    parts = []
    if imprint.artist:
        names = f"<rdf:Seq><rdf:li>{escape(imprint.artist)}</rdf:li></rdf:Seq>"
        parts.append(f"<dc:creator>{names}</dc:creator>\n")
    if imprint.copyright:
        text = f'<rdf:li xml:lang="x-default">{escape(imprint.copyright)}</rdf:li>'
        parts.append(f"<dc:rights><rdf:Alt>{text}</rdf:Alt></dc:rights>\n")
    return "".join(parts)


def _write_whole(path: Path, data: bytes) -> None:
    try:
        with whole_file(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise ResourceError(
            f"{path}: could not write {len(data)} bytes ({error.strerror}); free disk space or "
            "write elsewhere."
        ) from error

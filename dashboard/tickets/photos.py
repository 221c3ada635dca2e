"""Photos of reported problems: drawn again, so that nothing but the picture remains, and kept for 90 days."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import secrets
import warnings
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from classair.places import write_atomically
from classair.units import DAY_MS

log = logging.getLogger(__name__)

KEPT_MS: Final = 90 * DAY_MS
MOST_BYTES: Final = 10 * 1024 * 1024
MOST_PIXELS: Final = {"JPEG": 52_000_000, "PNG": 16_000_000, "WEBP": 16_000_000}
"""A phone's best camera takes 50 megapixels, and a JPEG can be read smaller than it is; the others need all of them."""
LONGEST_SIDE: Final = 1600
_QUALITY: Final = 82
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{22}\.jpg")


class PhotoRefused(ValueError):
    """A photo that is not taken; `why` is `too_large`, `too_many_pixels` or `not_a_picture`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def drawn_again(raw: bytes) -> bytes:
    """The picture alone as a JPEG of at most 1600 px: no place, no camera, no comment, nothing behind its end.

    The size is looked at before a single pixel is decoded. Raises PhotoRefused.
    """
    if len(raw) > MOST_BYTES:
        raise PhotoRefused("too_large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound below is the stricter one
            with Image.open(io.BytesIO(raw), formats=tuple(MOST_PIXELS)) as picture:
                if picture.width * picture.height > MOST_PIXELS[picture.format or ""]:
                    raise PhotoRefused("too_many_pixels")
                picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
                turned = ImageOps.exif_transpose(picture).convert("RGB")
    except PhotoRefused:
        raise
    except Exception as error:
        # Pillow's readers raise whatever a damaged file drives them into.
        log.info("photo_refused error=%s", type(error).__name__)
        raise PhotoRefused("not_a_picture") from None
    turned.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    fresh = Image.new("RGB", turned.size)
    fresh.paste(turned)
    written = io.BytesIO()
    fresh.save(written, "JPEG", quality=_QUALITY, optimize=True)
    return written.getvalue()


class Photos:
    """Files with random names in `folder`; None: there is no place for photos, and each is refused."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def keep(self, raw: bytes) -> str:
        """Its name. Raises PhotoRefused, OSError."""
        if self._folder is None:
            raise PhotoRefused("not_kept")
        picture = drawn_again(raw)
        name = f"{secrets.token_urlsafe(16)}.jpg"
        write_atomically(self._folder / name, picture)
        return name

    def read(self, name: str) -> bytes | None:
        """None for a photo that is no longer there, and for whatever is no photo's name."""
        if self._folder is None or not _NAME.fullmatch(name):
            return None
        with contextlib.suppress(OSError):
            return (self._folder / name).read_bytes()
        return None

    def remove(self, name: str) -> None:
        if self._folder is not None and _NAME.fullmatch(name):
            with contextlib.suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Every photo there is."""
        if self._folder is None or not self._folder.is_dir():
            return []
        return [path.name for path in self._folder.iterdir() if _NAME.fullmatch(path.name)]

    def age_ms(self, name: str, now_ms: int) -> int:
        """Since when a photo lies there; 0 where that is not known."""
        if self._folder is not None and _NAME.fullmatch(name):
            with contextlib.suppress(OSError):
                return now_ms - round((self._folder / name).stat().st_mtime * 1000)
        return 0

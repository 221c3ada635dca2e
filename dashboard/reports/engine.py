"""HTML to PDF and picture: WeasyPrint and pypdfium2, imported when the first paper is made and never before.

Nothing is fetched: the only files a paper may name are those of this folder and the drawings of dashboard/assets.
The same HTML gives the same bytes. Making a page takes a few tenths of a second of one core, so the web server asks
`dashboard.reports.press` and never this.
"""

from __future__ import annotations

import atexit
import ctypes
import io
import logging
import mimetypes
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from weasyprint import CSS

log = logging.getLogger(__name__)

Form = Literal["pdf", "png"]
FOLDER: Final = Path(__file__).parent
ASSETS: Final = FOLDER.parent / "assets"
WIDTH_PX: Final = 1080
"""Of a picture."""
VARIANT: Final = "pdf/ua-1"
LIBRARIES: Final = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}
"""What WeasyPrint loads, and Debian's package of each."""
_BASE: Final = "https://paper.invalid/"
"""No host; relative addresses are only joined to schemes that Python knows."""


@lru_cache(maxsize=1)
def unavailable() -> str:
    """Why no PDF can be made here, for the operator; "" where it can. Loads no more than the three libraries."""
    missing = [name for name in ("weasyprint", "pypdfium2", "PIL") if find_spec(name) is None]
    if missing:
        return "not installed: " + ", ".join(missing) + " (pip install classair[report])"
    for library, package in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    return "system packages missing: " + " ".join(missing) if missing else ""


def render(html: str, form: Form, *, title: str, language: str) -> bytes:
    """A whole document as PDF/UA, or its first page as a PNG of 1080 pixels' width.

    `title` and `language` must be those of the document: PDF readers say them. Style sheets are those that the
    document links (`styles/….css` or `assets/….css`), each parsed once; addresses are relative to this
    folder, `assets/` means dashboard/assets. Raises OSError or ImportError where `unavailable` says why.
    """
    if form not in ("pdf", "png"):
        raise ValueError(f"a paper is a pdf or a png, not {form!r}")
    pdf = _pdf(html, title, language)
    return pdf if form == "pdf" else picture(pdf)


def both(html: str, *, title: str, language: str) -> tuple[bytes, bytes]:
    """PDF and PNG of one document, laid out once."""
    pdf = _pdf(html, title, language)
    return pdf, picture(pdf)


def picture(pdf: bytes) -> bytes:
    """Page one of a PDF as PNG, 1080 pixels wide, in 128 colours: a third of the bytes for a phone, nothing lost."""
    from PIL.Image import Dither, Quantize
    from pypdfium2 import PdfDocument

    with PdfDocument(pdf) as document:
        page = document[0]
        image = page.render(scale=WIDTH_PX / page.get_width()).to_pil()
    kept = io.BytesIO()
    few = image.convert("RGB").quantize(128, method=Quantize.FASTOCTREE, dither=Dither.NONE)
    few.save(kept, "PNG", compress_level=4)
    return kept.getvalue()


def _pdf(html: str, title: str, language: str) -> bytes:
    from weasyprint import HTML

    press = _press()
    links, body = press.sheets(html)
    document = HTML(string=body, base_url=_BASE, url_fetcher=_fetcher()).render(
        stylesheets=links, font_config=press.fonts, cache=press.images
    )
    document.metadata.title, document.metadata.lang = title, language
    whole: bytes = document.write_pdf(pdf_variant=VARIANT)
    return whole


class _Press:
    """What all papers share: the fonts and the style sheets, read once."""

    def __init__(self) -> None:
        from weasyprint import CSS
        from weasyprint.text.fonts import FontConfiguration

        for name in ("weasyprint", "fontTools"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self.fonts = FontConfiguration()
        self.images: dict[str, Any] = {}
        self._sheets: dict[str, CSS] = {}
        self._faces = CSS(string=_FACES, base_url=_BASE, url_fetcher=_fetcher(), font_config=self.fonts)

    def sheets(self, html: str) -> tuple[list[CSS], str]:
        """The sheets that a document links, and the document without these links."""
        from weasyprint import CSS

        found = [self._faces]
        for link, name in _links(html):
            if name not in self._sheets:
                text = _file(name).read_text("utf-8")
                self._sheets[name] = CSS(
                    string=text, base_url=_BASE + name, url_fetcher=_fetcher(), font_config=self.fonts
                )
            found.append(self._sheets[name])
            html = html.replace(link, "", 1)
        return found, html


@lru_cache(maxsize=1)
def _press() -> _Press:
    # Its temporary folder is removed while Python can still do so.
    atexit.register(_press.cache_clear)
    return _Press()


_LINK: Final = re.compile(r'<link rel="stylesheet" href="((?:styles|assets)/[^"]+)">')
_FACES: Final = "".join(
    f"@font-face{{font-family:Sarabun;font-weight:{weight};src:url(fonts/sarabun-{weight}.ttf)}}"
    for weight in (400, 600, 700)
)


def _links(html: str) -> list[tuple[str, str]]:
    """Each link to a style sheet of ours in the document's head, with the file it names."""
    return [(found[0], found[1]) for found in _LINK.finditer(html.partition("</head>")[0])]


def _file(name: str) -> Path:
    """A file that papers may name. Raises ValueError for any other."""
    folder, inside = (ASSETS, name.removeprefix("assets/")) if name.startswith("assets/") else (FOLDER, name)
    path = (folder / inside).resolve()
    if folder.resolve() not in path.parents or path.suffix not in (".css", ".ttf", ".svg", ".png"):
        raise ValueError(f"papers may not name {name}")
    return path


def _read(address: str) -> bytes:
    """A file of ours that an address in a paper means. Raises ValueError for anything else, OSError."""
    parts = urlsplit(address)
    if f"{parts.scheme}://{parts.netloc}/" != _BASE:
        raise ValueError("papers are made without the network")
    return _file(unquote(parts.path).lstrip("/")).read_bytes()


@lru_cache(maxsize=1)
def _fetcher() -> Any:
    """Only what is ours, and drawings inside the document itself; never the network, never another file."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class Ours(URLFetcher):  # type: ignore[misc]  # untyped library
        def fetch(self, url: str, headers: Any = None) -> Any:
            if url.startswith("data:image/"):
                return super().fetch(url, headers)
            try:
                kind = mimetypes.guess_type(urlsplit(url).path)[0] or "application/octet-stream"
                return URLFetcherResponse(url, _read(url), {"Content-Type": kind})
            except (OSError, ValueError):
                log.warning("paper_address_refused scheme=%s", url.partition(":")[0][:10])
                raise

    return Ours(allowed_protocols=("data",))

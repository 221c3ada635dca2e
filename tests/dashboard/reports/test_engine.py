"""Papers are made without the network, the same bytes each time, in a process of their own."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import zlib
from urllib.parse import urljoin

import pytest
from PIL import Image

from dashboard.reports import engine
from dashboard.reports.press import Press, PressBusy, PressFailed

MARKS = "ที่ นี้ น้ำ กี่ ปั๊ม ญี่ปุ่น"
PAGE = (
    '<!DOCTYPE html><html lang="th"><head><title>x</title><link rel="stylesheet" href="styles/paper.css"></head>'
    f"<body><h1>{MARKS}</h1><p>15 µg/m³ CO₂ → ▲ ▼</p></body></html>"
)

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(bool(engine.unavailable()), reason=engine.unavailable() or "can be made"),
]


def test_the_same_paper_has_the_same_bytes_in_another_process() -> None:
    def digest_elsewhere() -> str:
        code = (
            "import sys, hashlib; from dashboard.reports.engine import both; "
            "print([hashlib.sha256(x).hexdigest() for x in both(sys.argv[1], title='T', language='th')])"
        )
        return subprocess.run([sys.executable, "-c", code, PAGE], capture_output=True, text=True, check=True).stdout

    assert digest_elsewhere() == digest_elsewhere()


def test_a_pdf_says_its_language_title_and_that_it_is_accessible_and_no_date() -> None:
    made = engine.render(PAGE, "pdf", title="Air", language="th")
    assert made.startswith(b"%PDF-")
    whole = made + b"".join(_opened(stream) for stream in made.split(b"stream\n")[1::2])
    assert b"/Lang (th)" in whole and b"pdfuaid:part" in whole and b"/MarkInfo" in whole
    assert b"CreationDate" not in whole and b"ModDate" not in whole


def _opened(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream.removesuffix(b"\nend"))
    except zlib.error:
        return b""


def test_a_picture_is_page_one_and_1080_pixels_wide() -> None:
    two = PAGE.replace("</body>", '<p style="break-before:page">two</p></body>')
    with Image.open(io.BytesIO(engine.render(two, "png", title="x", language="th"))) as image:
        assert image.size[0] == engine.WIDTH_PX
        assert image.size[1] == pytest.approx(1080 * 297 / 210, abs=2)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/x.png",
        "https://example.org/x.png",
        "file:///etc/passwd",
        "//example.org/x.png",
        "../../../etc/hostname.png",
        "assets/../../service.py",
        "engine.py",
        "ftp://127.0.0.1/x",
    ],
)
def test_nothing_but_our_own_files_is_fetched(address: str) -> None:
    with pytest.raises((ValueError, OSError)):
        engine._read(urljoin(engine._BASE, address))
    page = PAGE.replace("</body>", f'<img src="{address}" alt="x"></body>')
    assert engine.render(page, "pdf", title="x", language="th").startswith(b"%PDF-")


def test_only_a_first_paper_imports_the_engine_s_libraries() -> None:
    code = (
        "import sys, dashboard.app, dashboard.reports.press as p; p.unavailable(); "
        "print(sorted({'weasyprint', 'pypdfium2'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_the_press_makes_papers_beside_the_event_loop_and_says_when_it_is_busy() -> None:
    async def asking() -> None:
        press = Press()
        ticks = 0

        async def ticking() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)

        clock = asyncio.create_task(ticking())
        made = await press.print(PAGE, "pdf", title="x", language="th")
        clock.cancel()
        assert made.startswith(b"%PDF-") and ticks > 20
        assert made == engine.render(PAGE, "pdf", title="x", language="th")
        with pytest.raises(PressFailed):
            await press.print(PAGE, "gif", title="x", language="th")  # type: ignore[arg-type]
        many = await asyncio.gather(
            *(press.print(PAGE, "pdf", title="x", language="th") for _ in range(20)), return_exceptions=True
        )
        assert sum(isinstance(one, PressBusy) for one in many) == 8
        assert all(one == made for one in many if isinstance(one, bytes))
        await press.end()

    asyncio.run(asking())

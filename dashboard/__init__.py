"""One web application: wall display, public and working pages, papers, the API, and what people write by LINE.

A part with texts of its own keeps them in its folder (`dashboard/<part>/locales/`), and they are made known here.
"""

from __future__ import annotations

from pathlib import Path

from classair import i18n

for _folder in sorted(Path(__file__).parent.glob("*/locales")):
    i18n.add_texts(_folder)

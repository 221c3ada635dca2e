"""The working pages, one file or folder each; a folder may bring texts (locales/), styles and scripts of its own.

Their texts are made known here, so that they are there whenever one of the pages is.
"""

from __future__ import annotations

from pathlib import Path

from classair import i18n

for _folder in sorted(Path(__file__).parent.glob("*/locales")):
    i18n.add_texts(_folder)

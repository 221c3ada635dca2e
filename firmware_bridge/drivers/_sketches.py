"""The usual sketches: how Arduino libraries and their examples print readings, and how a reading is found in a line.

Adafruit PM25AQI and DHT, avaldebe/PMserial, fu-hsi/PMS, SDS011 and Nova SDS, MH-Z19, SparkFun and Sensirion SCD, SEN5x,
SEN6x and SPS30, BME280. Names come with blanks, units in brackets, degree signs in any encoding.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

_SIZES: Final = {"0.3": "n03", "0.5": "n05", "1.0": "n1", "2.5": "n25", "5.0": "n5", "10": "n10", "10.0": "n10"}
_NUMBERS: Final = {"0.5": "nc05", "1.0": "nc1", "2.5": "nc25", "4.0": "nc4", "10": "nc10", "10.0": "nc10"}

NAMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("p1.0", "pm1p0", "massconcentrationpm1p0", "pm1.0_atm", "pm1_atm"), "pm1"),
    **dict.fromkeys(("p2.5", "pm2,5", "p2,5", "pm2p5", "massconcentrationpm2p5", "pm2.5_atm", "pm25_atm"), "pm25"),
    **dict.fromkeys(("pm4", "pm4.0", "pm4_0", "pm4p0", "massconcentrationpm4p0"), "pm4"),
    **dict.fromkeys(("p10", "pm10p0", "massconcentrationpm10p0", "pm10_atm", "pm10.0_atm"), "pm10"),
    **dict.fromkeys(("pm1.0_cf1", "pm1_cf1", "pm1.0_std"), "pm1_cf1"),
    **dict.fromkeys(("pm2.5_cf1", "pm25_cf1", "pm2.5_std"), "pm25_cf1"),
    **dict.fromkeys(("pm10_cf1", "pm10.0_cf1", "pm10_std"), "pm10_cf1"),
    **{f"n{size}": key for size, key in _SIZES.items()},
    **{f"particles > {size} um / 0.1 l air": key for size, key in _SIZES.items()},
    **{f"nc {size}": key for size, key in _NUMBERS.items()},
    **dict.fromkeys(("typical particle size", "typicalparticlesize"), "tps_um"),
    **dict.fromkeys(("ppmuart", "carbon dioxide", "co2 ppm"), "co2_ppm"),
    **dict.fromkeys(("ambienttemperature", "air temperature", "อุณหภูมิ"), "temp_c"),
    **dict.fromkeys(("relative humidity", "ambienthumidity", "humi", "h", "ความชื้น", "ความชื้นสัมพัทธ์"), "rh_pct"),
    **dict.fromkeys(("pressure", "barometric pressure", "air pressure"), "pressure_hpa"),
    "vocindex": "voc_index",
    "noxindex": "nox_index",
}
"""Names that libraries print, beside those understood everywhere; in lower case, a blank where there may be one."""

BEFORE_SIGN: Final[Mapping[str, str]] = {"pm1,0": "pm1", "pm10,0": "pm10", "pm1 0": "pm10"}
"""Names only before a sign, because `pm1,0` may be a name and its value. DFRobot's example has a blank in PM10."""

STANDARD: Final[Mapping[str, str]] = {"pm1": "pm1_cf1", "pm25": "pm25_cf1", "pm10": "pm10_cf1"}
"""What a particle size is below a heading "(standard)" or "CF=1"."""

_STANDARD: Final = re.compile(r"\bstandard\b|CF ?= ?1", re.IGNORECASE)
_ATMOSPHERIC: Final = re.compile(r"\b(environment|atmospher|ambient|atm\b)", re.IGNORECASE)
_SPACE: Final = r"[ \t]*"
# A number with all that could belong to it: `1,234` and `1 234` are one word here, so that neither is cut to 1.
_NUMBER: Final = (
    r"(?>[+\-\N{MINUS SIGN}]?(?!0[xX])(?:\d{1,3}(?:[ \xa0\u202f]\d{3})+(?:[.,]\d+)?(?!\d)"
    r"|(?!\d{1,3}[ \xa0\u202f]\d{3}(?!\d))\d+(?:[.,'’_\xa0\u202f]\d+)*\.?|\.\d+)(?:[eE][+-]?\d+)?)"
    r"(?![\d:]|\ufffd\d)"
)
_WORD: Final = r"[^\s,;|'\"\])}]*"
_UNIT: Final = r"[^\s\d,;:=|'\"()\[\]{}+.-][^\s,;:=|'\"()\[\]{}]*"
# Thai has no blanks between words; in TIS-620 its letters are bytes that cannot be read.
_BEGIN: Final = r"(?:(?<![^\s,;|{(\[>'\"])|(?<=[\u0e00-\u0e7f])|(?<=\ufffd\ufffd))"
# An index, and the warmth of a chip, are no values of the room.
_BEFORE: Final = rf"{_BEGIN}(?<!aqi )(?<!index )(?<!cpu )(?<!chip )(?<!core )(?<!board )"
_QUALIFIER: Final = r"(?:[ \t]+(?:mass|number|concentration|conc\.?|value|level|reading|[uµμ]g/m\^?[3³]|ppm|%|°C))*"


class Pair(NamedTuple):
    """What a line says of one name. `given` is a number's text, or whatever stands where one belongs."""

    name: str
    given: str
    unit: str
    numeric: bool


def heading(text: str) -> bool | None:
    """Whether the sizes below this line are the "standard" (CF=1) ones; None when the line says nothing of it."""
    if _ATMOSPHERIC.search(text):
        return False
    return True if _STANDARD.search(text) else None


class Sketch:
    """Finds the names of a map, and the board's own words, in lines of text."""

    def __init__(self, names: Collection[str]) -> None:
        ordered = sorted(dict.fromkeys((*names, "seq", "up_ms")), key=len, reverse=True)
        self._known = frozenset((*names, "seq", "up_ms"))
        self._names = {_squeezed(name): name for name in (*names, "seq", "up_ms") if name not in BEFORE_SIGN}
        with_digits = [
            name for name in ordered if any(map(str.isdigit, name)) and len(name) > 1 and name not in BEFORE_SIGN
        ]
        unit = rf"{_SPACE}(?:[(\[](?P<bracket>[^()\[\]]{{0,64}})[)\]])?"
        value = rf"{_SPACE}['\"]?(?:(?P<number>{_NUMBER})|(?P<word>{_WORD}))"
        after = rf"(?={_SPACE}[(\[]?(?P<unit>{_UNIT})?)"
        # With a sign between name and value; names that hold a digit (PM2.5, CO2) do without before a number.
        self._signed = re.compile(
            rf"{_BEFORE}(?P<name>{_either(ordered)})(?!\.?\w)['\"]?{_QUALIFIER}{unit}{_SPACE}(?:[:=]|->){value}{after}",
            re.IGNORECASE,
        )
        gap = rf"(?:[ \t]+|{_SPACE}[,|]{_SPACE})"
        self._bare = re.compile(
            rf"{_BEFORE}(?P<name>{_either(with_digits)})(?!\.?\w){unit}{gap}(?P<number>{_NUMBER}){after}", re.IGNORECASE
        )

    def pairs(self, text: str) -> Iterator[Pair]:
        """In the order of the line; what stands between them is passed over."""
        position = 0
        while position < len(text):
            found = [match for match in (form.search(text, position) for form in (self._signed, self._bare)) if match]
            if not found:
                return
            match = min(found, key=lambda one: one.start())
            groups, said = match.groupdict(), match["name"].lower()
            name = said if said in self._known else self._names.get(_squeezed(said), said)
            unit = groups["bracket"] or groups["unit"] or ""
            yield Pair(name, groups["number"] or groups.get("word") or "", unit, bool(groups["number"]))
            # A word in the place of a number may be the next name.
            position = max(match.end() if groups["number"] else match.start("word"), position + 1)


def _either(names: Iterable[str]) -> str:
    return "|".join(_loose(name) for name in names) or r"(?!)"


def _loose(name: str) -> str:
    """A name with room for blanks before its digits, where it has a blank, and around its signs."""
    parts = re.split(r"(?<=[^\W\d_])(?=\d)|[ \t]+", name)
    return r"[ \t_-]{0,3}".join(re.escape(part) for part in parts)


def _squeezed(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()

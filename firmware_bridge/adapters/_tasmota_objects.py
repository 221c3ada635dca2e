"""What Tasmota's sensor drivers publish: the objects of a SENSOR message and what each of their fields is.

After the drivers themselves (arendst/Tasmota, tasmota/tasmota_xsns_sensor); the numbers are those of the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

Fields = Mapping[str, str]


class Object(NamedTuple):
    """`fields`: name → quantity. `forgets`: what a dead sensor said last does not come again and again."""

    fields: Fields
    forgets: bool = True


_MASSES: Final = {"PM1": "pm1", "PM2.5": "pm25", "PM4": "pm4", "PM10": "pm10"}
_COUNTS: Final = {"PB0.3": "n03", "PB0.5": "n05", "PB1": "n1", "PB2.5": "n25", "PB5": "n5", "PB10": "n10"}
_PLANTOWER: Final = {**_MASSES, "CF1": "pm1_cf1", "CF2.5": "pm25_cf1", "CF10": "pm10_cf1", **_COUNTS}
_SPS30: Final = {
    "PM1_0": "pm1",
    "PM2_5": "pm25",
    "PM4_0": "pm4",
    "PM10": "pm10",
    "NCPM0_5": "nc05",
    "NCPM1_0": "nc1",
    "NCPM2_5": "nc25",
    "NCPM4_0": "nc4",
    "NCPM10": "nc10",
    "TYPSIZ": "tps_um",
}
# `eCO2` of the SCD30 and SCD4x is the driver's own average; that of VOC sensors is no CO2 at all.
_CO2: Final = {"CarbonDioxide": "co2_ppm", "CO2": "co2_ppm"}
_SENSIRION: Final = {**_MASSES, **_CO2, "VOC": "voc_index", "NOx": "nox_index"}
AIR: Final = {"Temperature": "temp_c", "Humidity": "rh_pct", "Pressure": "pressure_hpa"}

# Where two objects of a message say the same quantity, the lower one in this table wins.
OBJECTS: Final[Mapping[str, Object]] = {
    # particles
    "VINDRIKTNING": Object(_MASSES),  # 91, IKEA: Cubic PM1006
    "HPMA": Object(_MASSES),  # 56
    "SDS0X1": Object(_MASSES, forgets=False),  # 20
    "HM330X": Object(_PLANTOWER),  # 93, Seeed HM3301
    "HM3301": Object(_PLANTOWER),
    "PMS3003": Object(_PLANTOWER),  # 18
    "PMS7003": Object(_PLANTOWER),
    "PMSA003I": Object(_PLANTOWER),  # 104
    "PMS5003": Object(_PLANTOWER),  # 18, also PMS7003; with T it has temperature and humidity
    "SPS30": Object(_SPS30),  # 44
    # CO2
    "AZ7798": Object(_CO2),  # 38
    "C8-CO2-5K": Object(_CO2),  # 117
    "HC8": Object(_CO2),  # 113, its number is a text
    "CM11": Object(_CO2),  # 95, CM1106 and CM1107
    "CM110X": Object(_CO2),
    "T6703": Object(_CO2),
    "T6713": Object(_CO2),
    "T67XX": Object(_CO2),
    "STCC4": Object(_CO2),  # 120
    "SCD41": Object(_CO2),
    "SCD4X": Object(_CO2),
    "SCD40": Object(_CO2),  # 92, also SCD41
    "SCD30": Object(_CO2),  # 42
    "K33": Object(_CO2, forgets=False),
    "K30": Object(_CO2, forgets=False),
    "KX0": Object(_CO2, forgets=False),  # 17, Senseair K30, K33, K70
    "SENSEAIR": Object(_CO2, forgets=False),
    "S88": Object(_CO2, forgets=False),
    "S8": Object(_CO2, forgets=False),
    "MHZ": Object(_CO2),
    "MHZ19": Object({**_CO2, "Temperature": "internal_temp_c"}),
    "MHZ19B": Object({**_CO2, "Temperature": "internal_temp_c"}),  # 15
    # particles and gases together
    "SEN5X": Object(_SENSIRION),  # 103
    "SEN50": Object(_SENSIRION),
    "SEN54": Object(_SENSIRION),
    "SEN55": Object(_SENSIRION),
    **{name: Object(_SENSIRION) for name in ("SEN62", "SEN63C", "SEN65", "SEN66", "SEN68", "SEN69C", "SEN6X")},
}

# Whose temperature and humidity are the room's, the best last; what is left out has none, or measures its own warmth.
AIR_SENSORS: Final = (
    *("K33", "KX0", "S88", "CM110X", "CM11", "PMS5003", "AZ7798", "DS18B20", "BMP180", "BMP280", "STCC4"),
    *("SEN54", "SEN55", "SEN5X", "SEN62", "SEN63C", "SEN65", "SEN66", "SEN68", "SEN69C", "SEN6X"),
    *("SCD41", "SCD4X", "SCD40", "SCD30", "BME680", "BME280", "DHT11", "AM2320", "DHT22", "AM2301", "AHT1X", "AHT2X"),
    *("HTU", "SI7021", "HTU21", "HDC2010", "HDC1080", "SHT1X", "SHT", "ENS210", "SHTC3", "SHT3X", "SHT4X"),
)

"""Boards with the usual sketches: what the examples of known libraries print is read as it stands."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.drivers import Driver, Frame, driver_for

PM = {"pm1": 5, "pm25": 7, "pm10": 8}
ADAFRUIT = (
    "AQI reading success\n\n---------------------------------------\nConcentration Units (standard)\n"
    "---------------------------------------\nPM 1.0: 8\t\tPM 2.5: 14\t\tPM 10: 17\n"
    "Concentration Units (environmental)\n---------------------------------------\n"
    "PM 1.0: 5\t\tPM 2.5: 7\t\tPM 10: 8\n---------------------------------------\n"
    "Particles > 0.3um / 0.1L air:1500\nParticles > 0.5um / 0.1L air:400\nParticles > 1.0um / 0.1L air:90\n"
    "Particles > 2.5um / 0.1L air:8\nParticles > 5.0um / 0.1L air:2\nParticles > 10 um / 0.1L air:1\n"
    "---------------------------------------\n"
)
SPS30 = (
    "PM  1.0: 5.00\nPM  2.5: 7.00\nPM  4.0: 7.50\nPM 10.0: 8.00\nNC  0.5: 30.10\nNC  1.0: 31.00\nNC  2.5: 31.20\n"
    "NC  4.0: 31.30\nNC 10.0: 31.40\nTypical particle size: 0.50\n\n"
)
SEN5X = (
    "MassConcentrationPm1p0:5.00\tMassConcentrationPm2p5:7.00\tMassConcentrationPm4p0:7.50\t"
    "MassConcentrationPm10p0:8.00\tAmbientHumidity:60.10\tAmbientTemperature:25.30\tVocIndex:100.00\tNoxIndex:1.00\n"
)


def read(text: str | bytes, model: str = "text-lines", **settings: Any) -> tuple[list[Frame], Driver]:
    driver = driver_for(model, settings)
    frames = driver.feed(text if isinstance(text, bytes) else text.encode())
    return frames + driver.silence(), driver


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        pytest.param("PM 1.0: 5\t\tPM 2.5: 7\t\tPM 10: 8\r\n", [PM], id="adafruit-one-line"),
        pytest.param("PM1.0 5, PM2.5 7, PM10 8 [ug/m3]\r\n", [PM], id="pmserial"),
        pytest.param("PM1.0  5, PM2.5  7, PM10  8 [ug/m3]\r\n", [PM], id="pmserial-padded"),
        pytest.param("PM 1.0 (ug/m3): 5\r\nPM 2.5 (ug/m3): 7\r\nPM 10.0 (ug/m3): 8\r\n\r\n", [PM], id="pms-library"),
        pytest.param("PM2.5: 12.3 ug/m3  Temp: 25.3 \xb0C\r\n", [{"pm25": 12.3, "temp_c": 25.3}], id="latin-1"),
        pytest.param(
            ADAFRUIT,
            [
                {"pm1_cf1": 8, "pm25_cf1": 14, "pm10_cf1": 17},
                PM,
                {"n03": 1500, "n05": 400, "n1": 90, "n25": 8, "n5": 2, "n10": 1},
            ],
            id="adafruit-example",
        ),
        pytest.param("P2.5: 7.00\r\nP10:  8.00\r\n", [{"pm25": 7, "pm10": 8}], id="sds011"),
        pytest.param("PM2.5 = 7.00, PM10 = 8.00\n", [{"pm25": 7, "pm10": 8}], id="nova-sds"),
        pytest.param("CO2 (ppm): 811\nTemperature (C): 28\n", [{"co2_ppm": 811, "temp_c": 28}], id="mhz19"),
        pytest.param("PPMuart: 811, Temperature: 28\n", [{"co2_ppm": 811, "temp_c": 28}], id="mhz"),
        pytest.param("CO2 value = 811 ppm\n", [{"co2_ppm": 811}], id="s8"),
        pytest.param("PM1.0: 5  ug/m3\nPM2.5: 7  ug/m3\nPM1 0: 8  ug/m3\n\n", [PM], id="dfrobot"),
        pytest.param(
            "".join(
                f"PM{size} concentration({kind},unit:ug/m3): {value}\n"
                for kind in ("CF=1,Standard particulate matter", "Atmospheric environment")
                for size, value in (("1.0", 5), ("2.5", 7), ("10", 8))
            ),
            [{"pm1_cf1": 5, "pm25_cf1": 7, "pm10_cf1": 8, **PM}],
            id="grove-hm3301",
        ),
        pytest.param("\ufeffPM2.5: 7 PM10: 8\n", [{"pm25": 7, "pm10": 8}], id="byte-order-mark"),
        pytest.param("CO₂: 811 ppm, PM₂.₅: 7\n", [{"co2_ppm": 811, "pm25": 7}], id="subscripts"),
        pytest.param("ＰＭ２．５：７　PM10:\xa08\n", [{"pm25": 7, "pm10": 8}], id="full-width-and-nbsp"),
        pytest.param("PM1,0: 5 PM2,5: 7 PM10,0: 8\n", [PM], id="names-with-a-comma"),
        pytest.param("pm1,0,pm25,7,pm10,8\n", [{"pm1": 0, "pm25": 7, "pm10": 8}], id="commas-between-all"),
        pytest.param("ค่าฝุ่นPM2.5: 7 ฝุ่นPM10: 8\n", [{"pm25": 7, "pm10": 8}], id="thai-without-blanks"),
        pytest.param("ค่าฝุ่นPM2.5: 7 ฝุ่นPM10: 8\n".encode("tis-620"), [{"pm25": 7, "pm10": 8}], id="tis-620"),
        pytest.param("อุณหภูมิ: 25.3 ความชื้น: 60.1\n", [{"temp_c": 25.3, "rh_pct": 60.1}], id="thai-names"),
        pytest.param("H: 60.1 T: 25.3\n", [{"rh_pct": 60.1, "temp_c": 25.3}], id="one-letter-each"),
        pytest.param(
            "PM2.5: 7 PM10: 8\rPM2.5: 9 PM10: 9\rPM2.5: 5 PM10: 8\r",
            [{"pm25": 7, "pm10": 8}, {"pm25": 9, "pm10": 9}, {"pm25": 5, "pm10": 8}],
            id="carriage-returns-alone",
        ),
        pytest.param("PM2.5: 7\n\rPM10: 8\n\r", [{"pm25": 7, "pm10": 8}], id="line-feed-first"),
        pytest.param(
            "co2(ppm):811 temp(C):25.3 humidity(%):60.1\n",
            [{"co2_ppm": 811, "temp_c": 25.3, "rh_pct": 60.1}],
            id="scd30",
        ),
        pytest.param(
            "CO2 concentration [ppm]: 811\nTemperature [°C]: 25.3\nRelative Humidity [RH]: 60.1\n",
            [{"co2_ppm": 811, "temp_c": 25.3, "rh_pct": 60.1}],
            id="scd4x",
        ),
        pytest.param(
            "Humidity: 60.10%  Temperature: 25.30°C 77.54°F  Heat index: 25.9°C 78.6°F\n",
            [{"rh_pct": 60.1, "temp_c": 25.3}],
            id="dht",
        ),
        pytest.param(
            "Temperature = 25.30 *C\nPressure = 1008.10 hPa\nApprox. Altitude = 43.2 m\nHumidity = 60.1 %\n\n",
            [{"temp_c": 25.3, "pressure_hpa": 1008.1, "rh_pct": 60.1}],
            id="bme280",
        ),
        pytest.param(
            SEN5X,
            [{**PM, "pm4": 7.5, "rh_pct": 60.1, "temp_c": 25.3, "voc_index": 100, "nox_index": 1}],
            id="sen5x",
        ),
        pytest.param(
            SPS30,
            [{**PM, "pm4": 7.5, "nc05": 30.1, "nc1": 31, "nc25": 31.2, "nc4": 31.3, "nc10": 31.4, "tps_um": 0.5}],
            id="sps30",
        ),
        pytest.param("PM2.5 (CF=1): 9 PM2.5 (ATM): 7\n", [{"pm25_cf1": 9, "pm25": 7}], id="cf1-in-brackets"),
        pytest.param("PM 2.5 ug/m3: 7, PM10 (µg/m³): 8\n", [{"pm25": 7, "pm10": 8}], id="unit-before-the-sign"),
        pytest.param("PM2.5,7,PM10,8\n", [{"pm25": 7, "pm10": 8}], id="name-comma-value"),
        pytest.param("AQI PM2.5: 29 PM2.5 AQI: 29 PM2.5: 7 CPU temp: 51\n", [{"pm25": 7}], id="an-index-is-no-value"),
        pytest.param("PM2.5\t7\tPM10\t8\n", [{"pm25": 7, "pm10": 8}], id="tabs"),
        pytest.param("PM2.5: 12,5 ug/m3 PM10: 14,25\n", [{"pm25": 12.5, "pm10": 14.25}], id="decimal-comma"),
        pytest.param("PM2.5: ๑๒.๕ CO2: ๘๑๑\n", [{"pm25": 12.5, "co2_ppm": 811}], id="thai-digits"),
        pytest.param("Temp: 77.54 °F, PM2.5: 7\n", [{"temp_c": pytest.approx(25.3), "pm25": 7}], id="fahrenheit"),
    ],
)  # fmt: skip
def test_what_a_library_prints_is_read(text: str | bytes, readings: list[dict[str, float]]) -> None:
    frames, driver = read(text.encode("latin-1") if isinstance(text, str) and "\xb0C\r" in text else text)
    assert [frame.values for frame in frames] == readings
    assert driver.about.unread == {}


@pytest.mark.parametrize("number", ["1,234", "1 234", "1'234", "1,234.5", "1.234,5", "1_234", "1\xa0234", "12,345"])
def test_what_could_be_thousands_is_counted_and_never_cut(number: str) -> None:
    for text in (f"CO2: {number} ppm\n", f"PM2.5: 7 CO2: {number} ppm\n", f"CO2 {number}, PM2.5 7\n"):
        frames, driver = read(text)
        assert all("co2_ppm" not in frame.values for frame in frames)
        assert driver.about.unread == {"co2": 1}


def test_lines_of_a_block_are_one_reading_and_the_next_block_begins_with_the_first_name() -> None:
    driver = driver_for("text-lines")
    frames = driver.feed(b"CO2: 811\nTemp: 25.3\nCO2: 812\nTemp: 25.4\n")
    assert [frame.values for frame in frames] == [{"co2_ppm": 811, "temp_c": 25.3}]
    assert driver.pending == len("CO2: 812\nTemp: 25.4\n")
    assert [frame.values for frame in driver.silence()] == [{"co2_ppm": 812, "temp_c": 25.4}]
    assert driver.counters.in_frames == driver.counters.bytes_in and driver.pending == 0


def test_one_value_a_line_is_given_with_the_pause_behind_it() -> None:
    driver = driver_for("text-lines")
    assert driver.feed(b"CO2: 811\n") == []
    assert [frame.values for frame in driver.silence()] == [{"co2_ppm": 811}]


@given(
    st.lists(st.sampled_from([*"AB\n", ADAFRUIT, SPS30, "PM 2.5 (ug/m3): 7\n", "pm25=7 pm10=8\n", "CO2: 1,234\n"])),
    st.data(),
)
@pytest.mark.thorough
def test_blocks_are_the_same_however_the_bytes_are_cut(texts: list[str], data: st.DataObject) -> None:
    stream = "".join(texts).encode()
    whole, _ = read(stream)
    cut = data.draw(st.integers(0, len(stream)))
    driver = driver_for("text-lines")
    pieces = driver.feed(stream[:cut]) + driver.feed(stream[cut:]) + driver.silence()
    assert pieces == whole
    counters = driver.counters
    assert counters.bytes_in == counters.skipped + counters.in_frames + driver.pending


# -- one bad token costs itself only -----------------------------------------------------------------------------------

GOOD = {"pm25": 18.2, "pm10": 24.9, "co2": 811.0, "t": 30.4, "rh": 62.1}
QUANTITY = {"pm25": "pm25", "pm10": "pm10", "co2": "co2_ppm", "t": "temp_c", "rh": "rh_pct"}
FORMS = {
    "json-lines": lambda it: "{" + ",".join(f'"{key}":{value}' for key, value in it.items()) + "}\n",
    "csv-lines": lambda it: ";".join(it.values()) + "\n",
    "text-lines": lambda it: " ".join(f"{key}={value}" for key, value in it.items()) + "\n",
}
BAD = ("nan", "NaN", "inf", "null", "ERR", "--", "\xb0", "1\xb07", "1,234", "9" * 30, "1e999", "0x1f", "12:30", "")


@pytest.mark.parametrize("model", FORMS)
@pytest.mark.parametrize("place", range(len(GOOD)))
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_token_in_a_line_costs_itself_only_and_is_counted(model: str, place: int, bad: str) -> None:
    said = {key: str(value) for key, value in GOOD.items()}
    hit = list(said)[place]
    said[hit] = bad
    frames, driver = read(
        FORMS[model](said).encode("latin-1"), model, **({"columns": list(GOOD)} if "csv" in model else {})
    )
    expected = {QUANTITY[key]: value for key, value in GOOD.items() if key != hit}
    assert [frame.values for frame in frames] == [expected]
    assert driver.about.unread == {hit: 1}


@pytest.mark.parametrize("text", ["12,5;24,9\n", '"12,5","24,9"\n', "12,5\t24,9\n", "12.5,24.9\n"])
def test_a_table_with_a_decimal_comma_is_read(text: str) -> None:
    assert [frame.values for frame in read(text, "csv-lines", columns=["pm25", "pm10"])[0]] == [
        {"pm25": 12.5, "pm10": 24.9}
    ]


def test_a_name_may_have_its_unit_behind_it() -> None:
    table = "time;PM2.5 (µg/m³);Temperature [°F];PM10 (CF=1)\n09:15;12,5;86;30\n"
    assert [frame.values for frame in read(table, "csv-lines")[0]] == [{"pm25": 12.5, "temp_c": pytest.approx(30)}]
    assert read('{"CO2 (ppm)":811,"Temp (C)":25.3}\n', "json-lines")[0][0].values == {"co2_ppm": 811, "temp_c": 25.3}


def test_a_json_line_with_a_decimal_comma_or_a_byte_of_latin_1_is_read() -> None:
    assert read('{"pm25":12,5,"pm10":18}\n', "json-lines")[0][0].values == {"pm25": 12.5, "pm10": 18}
    assert read(b'{"place":"Klasse \xfc","pm25":12.5}\n', "json-lines")[0][0].values == {"pm25": 12.5}

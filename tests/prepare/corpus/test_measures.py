import pytest

from fairseq_mlkd.prepare.corpus.measures import find_unit


@pytest.mark.parametrize(
    "code, one, many, scale",
    [
        ("km", "kilometer", "kilometers", 1e3),
        ("kilometre", "kilometer", "kilometers", 1e3),
        ("µm", "micrometer", "micrometers", 1e-6),
        ("km2", "square kilometer", "square kilometers", 1e6),
        ("sqkm", "square kilometer", "square kilometers", 1e6),
        ("sqmi", "square mile", "square miles", 2589988.110336),
        ("cuft", "cubic foot", "cubic feet", 0.028316846592),
        ("ft3", "cubic foot", "cubic feet", 0.028316846592),
        ("km/h", "kilometer per hour", "kilometers per hour", 1 / 3.6),
        ("m3/s", "cubic meter per second", "cubic meters per second", 1),
        ("/sqmi", "per square mile", "per square mile", 1 / 2589988.110336),
        ("e6acre", "million acres", "million acres", 4046.8564224e6),
        ("GW", "gigawatt", "gigawatts", 1e9),
        ("mL", "milliliter", "milliliters", 1e-6),
        ("mm", "millimeter", "millimeters", 1e-3),
        ("MW", "megawatt", "megawatts", 1e6),
        ("mW", "milliwatt", "milliwatts", 1e-3),
        ("ha", "hectare", "hectares", 1e4),
        ("min", "minute", "minutes", 60),
    ],
)
def test_codes_have_a_name_and_a_size(code, one, many, scale):
    unit = find_unit(code)
    assert (unit.one, unit.many) == (one, many)
    assert unit.scale == pytest.approx(scale)


@pytest.mark.parametrize("code", ["", "x", "to", "5", "kfoo", "sqfoo", "m/foo", "e7m"])
def test_what_is_no_unit_is_none(code):
    assert find_unit(code) is None

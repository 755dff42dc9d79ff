"""The values are those of Template:Convert's documentation and of its calculator."""

import pytest

from fairseq_mlkd.prepare.corpus.quantities import convert, read_number


@pytest.mark.parametrize(
    "text, shown, value, precision",
    [
        ("370", "370", 370, -1),
        ("1,500", "1,500", 1500, -2),
        ("0.50", "0.50", 0.5, 2),
        ("-54", "−54", -54, 0),
        ("−54", "−54", -54, 0),
        ("1/2", "1/2", 0.5, 1),
        ("3+1/2", "3 1/2", 3.5, 1),
        ("3½", "3 1/2", 3.5, 1),
        ("1.5e3", "1.5 × 10³", 1500, -2),
    ],
)
def test_numbers(text, shown, value, precision):
    number = read_number(text)
    assert number == (shown, pytest.approx(value), precision)


@pytest.mark.parametrize("text", ["", "x", "1/0", "1,5,x", "to", "km", "1/2/3", "-"])
def test_what_is_no_number_is_none(text):
    assert read_number(text) is None


@pytest.mark.parametrize(
    "arguments, shown",
    [
        ("100|mi|km", "160 kilometers"),
        ("100|mi|km|0", "161 kilometers"),
        ("5|ft|m", "1.5 meters"),
        ("5|ft|11|in|m", "1.80 meters"),
        ("10|km|mi", "6.2 miles"),
        ("32|F|C", "0 degrees Celsius"),
        ("100|F|C", "38 degrees Celsius"),
        ("-40|F|C", "−40 degrees Celsius"),
        ("20|C|F", "68 degrees Fahrenheit"),
        ("3000|ft|m", "910 meters"),
        ("70|kg|lb", "150 pounds"),
        ("8.5|in|cm", "22 centimeters"),
        ("12345|ft|m", "3,763 meters"),
        ("500|acre|ha", "200 hectares"),
        ("1|mi|km|2", "1.61 kilometers"),
        ("60|mph|km/h", "97 kilometers per hour"),
        ("180|cm|ftin", "5 feet 11 inches"),
        ("2|by|3|m|ft", "6.6 by 9.8 feet"),
    ],
)
def test_outputs_that_come_first_are_rounded_as_there(arguments, shown):
    assert convert(arguments.split("|"), {"order": "flip"}, "en") == shown


def test_outputs_are_rounded_as_asked():
    arguments = ["1234", "m", "ft"]
    asked = {"sigfig": "3"}, {"round": "25"}, {"round": "5"}
    found = [convert(arguments, {"order": "flip", **each}, "en") for each in asked]
    assert found == ["4,050 feet", "4,050 feet", "4,050 feet"]


@pytest.mark.parametrize(
    "arguments", [[], ["5"], ["x", "km"], ["5", "foo"], ["5", "to"]]
)
def test_what_is_not_understood_is_none(arguments):
    assert convert(arguments, {}, "en") is None

"""The audit record: totals, fingerprints, round trip."""

import json

import pytest

from fairseq_mlkd.data.folders import read_audit
from fairseq_mlkd.prepare.labelled.audit import (
    FileAudit,
    subset_totals,
    write_audit,
)
from fairseq_mlkd.text.tokenizer import tokenizer_fingerprint


def record(split: str, lang: str, kept: int) -> FileAudit:
    return FileAudit(f"{split}-{lang}.tsv", "0" * 64, lang, split, kept=kept)


def test_rows_read_are_kept_plus_dropped(tmp_path):
    file = record("test", "fr", kept=3)
    file.drop("empty sentence", 2)
    file.drop("placeholder NS", 5)
    file.drop("placeholder NS", 6)
    write_audit(tmp_path / "audit.json", {"benchmark": "pawsx"}, [file])
    audit = read_audit(tmp_path)
    assert audit["benchmark"] == "pawsx"
    assert audit["files"][0]["rows_read"] == 6
    assert audit["files"][0]["dropped"] == {
        "empty sentence": [2],
        "placeholder NS": [5, 6],
    }
    assert audit["totals"] == {"test.fr": {"kept": 3, "dropped": 3}}


def test_labels_that_training_lacks_are_counted_by_part():
    file = record("test", "fr", kept=3)
    file.add_untrained("label", 2)
    file.add_untrained("label", 1)
    file.add_untrained("intent", 1)
    assert file.as_dict()["untrained"] == {"label": 3, "intent": 1}
    assert record("test", "de", kept=3).as_dict()["untrained"] == {}


def test_totals_add_the_files_of_a_subset():
    files = [
        record("train", "en", 4),
        record("train", "en", 5),
        record("test", "de", 1),
    ]
    files[0].drop("empty line", 1)
    assert subset_totals(files) == {
        "train.en": {"kept": 9, "dropped": 1},
        "test.de": {"kept": 1, "dropped": 0},
    }


def test_a_damaged_audit_is_one_clear_error(tmp_path):
    path = tmp_path / "audit.json"
    path.write_text('{"files": [')
    message = "audit.json: not JSON .*; prepare the data again"
    with pytest.raises(ValueError, match=message):
        read_audit(tmp_path)


def test_fingerprint_sees_what_decides_the_ids_and_nothing_else(tmp_path):
    def change(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return tokenizer_fingerprint(tmp_path)

    change("dict.txt", "a 1\n")
    change("codes", "#version: 0.2\n")
    first = change("subwords.json", json.dumps({"kind": "x", "codes": "codes", "v": 1}))
    assert change("report.json", "{}") == first
    assert change("codes", "#version: 0.2\na b\n") != first
    assert change("codes", "#version: 0.2\n") == first
    assert change("dict.txt", "b 1\n") != first

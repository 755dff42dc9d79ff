"""preprocess/benchmark.py from official files to binary data."""

import importlib.util
import json
from pathlib import Path

import pytest
from fairseq.data import Dictionary

from fairseq_mlkd.data.audit import file_sha256
from fairseq_mlkd.data.binary import load_binary
from fairseq_mlkd.text.subwords import BpeCodes, learn_codes
from fairseq_mlkd.text.tokenizer import Tokenizer

SCRIPT = Path(__file__).parents[2] / "preprocess" / "benchmark.py"
WORDS = [
    "the",
    "cat",
    "sleeps",
    "runs",
    "rests",
    "le",
    "chat",
    "dort",
    "court",
    "one",
    "two",
    "three",
]


@pytest.fixture(scope="module")
def main():
    spec = importlib.util.spec_from_file_location("benchmark_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    learn_codes(dict.fromkeys(WORDS, 3), 10, str(folder / "codes"))
    tokenizer = Tokenizer(BpeCodes(str(folder / "codes")))
    tokenizer.save(str(folder))
    dictionary = Dictionary()
    for symbol in tokenizer.tokenize(" ".join(WORDS), "en"):
        dictionary.add_symbol(symbol)
    dictionary.save(str(folder / "dict.txt"))
    return folder


@pytest.fixture
def pawsx(tmp_path) -> Path:
    header = "id\tsentence1\tsentence2\tlabel\n"
    train = "".join(f"{i}\tThe cat {i}.\tcat sleeps\t{i % 2}\n" for i in range(40))
    english = "1\tThe cat sleeps.\tThe cat rests.\t1\n2\tcat\truns\t0\n"
    french = '1\t"le ""chat"""\tLe chat dort.\t1\n2\tNS\tcourt\t0\n3\t\tcourt\t0\n'
    files = {
        "en/train": train,
        "en/dev_2k": english,
        "en/test_2k": english,
        "fr/dev_2k": french,
        "fr/test_2k": french,
    }
    for name, rows in files.items():
        path = tmp_path / "in" / "x-final" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(header + rows, encoding="utf-8")
    return tmp_path / "in"


def read(out: Path, part: str, subset: str) -> list:
    folder = out if part.startswith("input") else out / "label"
    dictionary = Dictionary.load(str(folder / "dict.txt"))
    rows = load_binary(str(out / part / subset))
    return [dictionary.string(row, bpe_symbol="subword_nmt") for row in rows]


def test_official_files_become_binary_data(main, tokenizer, pawsx, tmp_path, capsys):
    out = tmp_path / "out"
    main(["pawsx", str(pawsx), str(out), "--tokenizer", str(tokenizer)])
    assert read(out, "input0", "test.en") == ["the cat sleeps", "cat"]
    assert read(out, "input1", "test.en") == ["the cat rests", "runs"]
    assert read(out, "label", "test.en") == ["1", "0"]
    assert read(out, "input0", "valid.fr") == ["le chat"]
    first = load_binary(str(out / "input0/train.en"))[0]
    assert first[-1] == Dictionary().eos()
    assert (out / "label/dict.txt").read_text() == "0 1\n1 1\n"
    assert (out / "dict.txt").read_bytes() == (tokenizer / "dict.txt").read_bytes()
    assert not (tmp_path / "out.partial").exists()
    assert "test.fr   kept       1  dropped     2" in capsys.readouterr().out


def test_audit_accounts_for_every_row(main, tokenizer, pawsx, tmp_path):
    out = tmp_path / "out"
    main(["pawsx", str(pawsx), str(out), "--tokenizer", str(tokenizer)])
    audit = json.loads((out / "audit.json").read_text(encoding="utf-8"))
    assert (audit["metric"], audit["labels"]) == ("accuracy", ["0", "1"])
    assert audit["totals"]["test.fr"] == {"kept": 1, "dropped": 2}
    entry = next(f for f in audit["files"] if f["path"] == "x-final/fr/test_2k.tsv")
    assert entry["dropped"] == {"placeholder NS": [3], "empty sentence": [4]}
    assert (entry["rows_read"], entry["published"]) == (3, 1985)
    assert entry["sha256"] == file_sha256(pawsx / entry["path"])


def test_held_out_part_is_seeded_and_shares_no_first_sentence(
    main, tokenizer, pawsx, tmp_path
):
    train = pawsx / "x-final/en/dev_2k.tsv"
    firsts = [f"{one} {other}" for one in WORDS[:3] for other in WORDS[:10]]
    rows = (f"{i}\t{firsts[i // 2]}\tthe\t1\n" for i in range(60))
    train.write_text("".join(rows), encoding="utf-8")
    held_out = []
    for number, seed in enumerate(("1", "1", "2")):
        out = tmp_path / f"out{number}"
        command = ["pawsx", str(pawsx), str(out), "--tokenizer", str(tokenizer)]
        extra = ["--train", str(train), "--valid-fraction", "0.3", "--seed", seed]
        main([*command, *extra])
        held_out.append((out / "input0/valid.en.bin").read_bytes())
        totals = json.loads((out / "audit.json").read_text())["totals"]
        kept = [totals[name]["kept"] for name in ("train.en", "valid.en")]
        assert sum(kept) == 60
        assert 0 < kept[1] < 40
        sentences = [set(read(out, "input0", f"{s}.en")) for s in ("train", "valid")]
        assert sentences[0].isdisjoint(sentences[1])
    assert held_out[0] == held_out[1]
    assert held_out[0] != held_out[2]


def test_complete_output_is_kept_and_other_output_refused(
    main, tokenizer, pawsx, tmp_path, capsys
):
    out = tmp_path / "out"
    command = ["pawsx", str(pawsx), str(out), "--tokenizer", str(tokenizer)]
    main(command)
    before = (out / "audit.json").stat().st_mtime_ns
    main(command)
    assert "is complete already" in capsys.readouterr().out
    assert (out / "audit.json").stat().st_mtime_ns == before
    with pytest.raises(SystemExit, match="holds other data; remove it"):
        main([*command, "--keep-ns"])
    with open(pawsx / "x-final/en/train.tsv", "a") as file:
        file.write("9\tone\ttwo\t1\n")
    with pytest.raises(SystemExit, match="holds other data"):
        main(command)


def test_bad_row_leaves_nothing_behind(main, tokenizer, pawsx, tmp_path):
    with open(pawsx / "x-final/fr/test_2k.tsv", "a") as file:
        file.write("9\tone\ttwo\t7\n")
    out = tmp_path / "out"
    with pytest.raises(SystemExit, match=r"error: .*test_2k\.tsv:5: unknown label '7'"):
        main(["pawsx", str(pawsx), str(out), "--tokenizer", str(tokenizer)])
    assert not list(tmp_path.glob("out*"))


def test_a_subset_without_rows_is_an_error(main, tokenizer, pawsx, tmp_path):
    (pawsx / "x-final/fr/dev_2k.tsv").write_text("id\tsentence1\tsentence2\tlabel\n")
    with pytest.raises(SystemExit, match="no row is left for valid.fr"):
        main(["pawsx", str(pawsx), str(tmp_path / "o"), "--tokenizer", str(tokenizer)])


@pytest.mark.parametrize(
    "flags, complaint",
    [
        (["--tokenizer", "nowhere"], "nowhere: no dict.txt; name a tokenizer folder"),
        (["--train", "nowhere.tsv"], "--train nowhere.tsv: no such file"),
        (["--langs", "en,ko"], "no file for ko"),
    ],
)
def test_bad_arguments_are_one_line(main, tokenizer, pawsx, tmp_path, flags, complaint):
    out = str(tmp_path / "out")
    with pytest.raises(SystemExit, match=complaint):
        main(["pawsx", str(pawsx), out, "--tokenizer", str(tokenizer), *flags])

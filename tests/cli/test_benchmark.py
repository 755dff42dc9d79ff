"""mlkd-benchmark from official files to binary data."""

import json
from pathlib import Path

import pytest
from fairseq.data import Dictionary
from tiny import write_tokenizer

from fairseq_mlkd.cli.benchmark import main
from fairseq_mlkd.data.binary import load_binary
from fairseq_mlkd.files.hashing import file_sha256

WORDS = [
    *("the", "cat", "sleeps", "runs", "rests", "one", "two", "three"),
    *("le", "chat", "dort", "court"),
]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> Path:
    return write_tokenizer(tmp_path_factory.mktemp("tokenizer"), WORDS)


@pytest.fixture
def pawsx(tmp_path) -> Path:
    header = "id\tsentence1\tsentence2\tlabel\n"
    train = "".join(f"{i}\tThe cat {i}.\tcat sleeps\t{i % 2}\n" for i in range(40))
    english = "1\tThe cat sleeps.\tThe cat rests.\t1\n2\tcat\truns\t0\n"
    french = '1\t"le ""chat"""\tLe chat dort.\t1\n2\tNS\tcourt\t0\n3\t\tcourt\t0\n'
    rows = {"en/train": train}
    rows.update(dict.fromkeys(("en/dev_2k", "en/test_2k"), english))
    rows.update(dict.fromkeys(("fr/dev_2k", "fr/test_2k"), french))
    files = {f"x-final/{name}.tsv": header + text for name, text in rows.items()}
    return write_files(tmp_path / "in", files)


@pytest.fixture
def wikiann(tmp_path) -> Path:
    files = {
        "en/train": "The\tO\nCat\tB-PER\n\n<s>\tI-LOC\n",
        "en/dev": "!\tO\n\nthe\tO\nuncut\tO",
        "fr/test": "le\tB-ORG\n?!\tI-ORG\nchat\tO\n",
    }
    return write_files(tmp_path / "in", files)


@pytest.fixture
def multiatis(tmp_path) -> Path:
    header = "id\tutterance\tslot_labels\tintent\n"
    files = {
        "train_EN.tsv": f"{header}1\tthe cat\tO B-animal\trest\n",
        "dev_EN.tsv": f"{header}1\tcat\tB-animal\tnew\n2\tcat\tO O\trest\n",
        "test_FR.tsv": f"{header}1\tle chat\tO B-pet\trest\n",
    }
    return write_files(tmp_path / "in", files)


def write_files(folder: Path, files: dict) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def prepare(name: str, tokenizer: Path, folder: Path, *flags: str) -> Path:
    out = folder.parent / "out"
    main([name, str(folder), str(out), "--tokenizer", str(tokenizer), *flags])
    return out


def read_audits(out: Path) -> dict:
    audit = json.loads((out / "audit.json").read_text(encoding="utf-8"))
    return {f"{file['split']}.{file['language']}": file for file in audit["files"]}


def read(out: Path, part: str, subset: str) -> list:
    folder = out if part.startswith("input") else out / part
    dictionary = Dictionary.load(str(folder / "dict.txt"))
    rows = load_binary(str(out / part / subset))
    return [dictionary.string(row, bpe_symbol="subword_nmt") for row in rows]


def test_official_files_become_binary_data(tokenizer, pawsx, tmp_path, capsys):
    out = prepare("pawsx", tokenizer, pawsx)
    assert read(out, "input0", "test.en") == ["the cat sleeps", "cat"]
    assert read(out, "input1", "test.en") == ["the cat rests", "runs"]
    assert read(out, "label", "test.en") == ["1", "0"]
    assert read(out, "input0", "valid.fr") == ["le chat"]
    first = load_binary(str(out / "input0/train.en"))[0]
    assert first[-1] == Dictionary().eos()
    assert (out / "label/dict.txt").read_text() == "0 1\n1 1\n"
    assert (out / "dict.txt").read_bytes() == (tokenizer / "dict.txt").read_bytes()
    assert not (tmp_path / "out.partial").exists()
    totals = "test.fr   kept       1  dropped     2  published 1,985"
    assert totals in capsys.readouterr().out


def test_training_data_in_other_languages_are_named(tokenizer, tmp_path, capsys):
    english = "".join(f"en,{word},{i % 2}\n" for i, word in enumerate(WORDS))
    rows = f"lang,text,label\n{english}fr,le chat,1\n"
    folder = write_files(tmp_path / "in", {"train.csv": rows})
    flags = ["--valid-fraction", "0.5", "--columns", "lang=lang"]
    prepare("classification", tokenizer, folder, *flags)
    said = capsys.readouterr().out
    assert "train.csv: rows in fr are not read: training data are in en\n" in said


def test_training_rows_without_labels_are_named_first(tokenizer, tmp_path):
    dev = "text,label\ncat,1\n"
    dropped = "all are dropped: no gold label (line 2)"
    for rows, reason in [("", "add rows"), ("cat,\n", dropped)]:
        files = {"train.csv": f"text,label\n{rows}", "dev.csv": dev}
        folder = write_files(tmp_path / f"in{len(rows)}", files)
        with pytest.raises(SystemExit) as stop:
            prepare("classification", tokenizer, folder)
        message = f"train.csv: no row is left for train.en; {reason}"
        assert message in str(stop.value)


def test_files_whose_names_say_nothing_are_named(tokenizer, tmp_path, capsys):
    rows = "text,label\n" + "".join(f"{w},{i % 2}\n" for i, w in enumerate(WORDS))
    names = ["mine.csv", "de.csv", "test-german.csv", "notes.txt", "dev.csv"]
    folder = write_files(tmp_path / "in", dict.fromkeys(names, rows))
    flags = ["--train", str(folder / "mine.csv")]
    flags += ["--files", f"test.de={folder / 'de.csv'}"]
    prepare("classification", tokenizer, folder, *flags)
    said = capsys.readouterr().out
    assert "\ntest-german.csv: not read, as no name says split and language" in said


def test_a_column_of_languages_is_asked_about(tokenizer, tmp_path, capsys):
    english = "".join(f"en,{word},{i % 2}\n" for i, word in enumerate(WORDS))
    rows = f"Language,text,label\n{english}"
    folder = write_files(tmp_path / "in", {"train.csv": rows})
    prepare("classification", tokenizer, folder, "--valid-fraction", "0.5")
    said = capsys.readouterr().out
    assert "of several languages? then give --columns lang=Language\n" in said


def test_audit_accounts_for_every_row(tokenizer, pawsx, tmp_path):
    out = prepare("pawsx", tokenizer, pawsx)
    audit = json.loads((out / "audit.json").read_text(encoding="utf-8"))
    assert audit["totals"]["test.fr"] == {"kept": 1, "dropped": 2}
    entry = read_audits(out)["test.fr"]
    assert entry["dropped"] == {"placeholder NS": [3], "empty sentence": [4]}
    assert (entry["rows_read"], entry["published"]) == (3, 1985)
    assert entry["sha256"] == file_sha256(pawsx / entry["path"])


def test_words_and_subwords_stay_aligned(tokenizer, wikiann):
    out = prepare("wikiann", tokenizer, wikiann)
    assert read(out, "input0", "train.en") == ["the cat", "s"]
    assert read(out, "words", "train.en") == ["The Cat", "<s>"]
    assert read(out, "label", "train.en") == ["O B-PER", "I-LOC"]
    assert read(out, "words", "test.fr") == ["le ?! chat"]
    for subset in ("train.en", "valid.en", "test.fr"):
        inputs = load_binary(str(out / "input0" / subset))
        words = load_binary(str(out / "words" / subset))
        for number, pieces in enumerate(load_binary(str(out / "pieces" / subset))):
            assert sum(pieces) == len(inputs[number]) - 1
            assert len(pieces) == len(words[number]) - 1
    assert load_binary(str(out / "pieces/test.fr"))[0].tolist()[1] == 0
    assert load_binary(str(out / "pieces/valid.en"))[0].tolist() == [0]


def test_audit_of_words_says_what_a_model_cannot_get_right(tokenizer, wikiann, capsys):
    out = prepare("wikiann", tokenizer, wikiann)
    assert (
        out / "label/dict.txt"
    ).read_text() == "B-PER 1\nI-LOC 1\nO 1\nB-ORG 0\nI-ORG 0\n"
    file = read_audits(out)["test.fr"]
    assert file["untrained"] == {"label": 2}
    assert (file["words"], file["words_without_subwords"]) == (3, 1)
    assert file["longest_input"] == len(load_binary(str(out / "input0/test.fr"))[0])
    notes = "2 untrained in label  1 words without subwords"
    assert notes in capsys.readouterr().out


def test_intents_and_slots_become_binary_data(tokenizer, multiatis):
    out = prepare("multiatis", tokenizer, multiatis)
    assert read(out, "intent", "train.en") == ["rest"]
    assert (out / "intent/dict.txt").read_text() == "rest 1\nnew 0\n"
    assert read(out, "label", "test.fr") == ["O B-pet"]
    file = read_audits(out)["valid.en"]
    assert file["dropped"] == {"not one tag per word": [3]}
    assert (file["untrained"], file["published"]) == ({"intent": 1}, 490)


def test_parses_become_ontology_symbols_and_pointers(tokenizer, tmp_path, capsys):
    spans = [{"start": 0, "length": 3}, {"start": 4, "length": 3}]
    tokens = json.dumps({"tokens": ["the", "cat"], "tokenSpans": spans})
    cells = ["IN:A", "4:7:SL:B", "the cat", "x", "en_XX", "[IN:A [SL:B cat ] ]", tokens]
    row = "\t".join(cells) + "\n"
    files = dict.fromkeys(("en/train.txt", "en/eval.txt"), row)
    files["fr/test.txt"] = row.replace("SL:B", "SL:C")
    out = prepare("mtop", tokenizer, write_files(tmp_path / "in", files))
    assert read(out, "target", "train.en") == ["[IN:A [SL:B @ptr_1 ] ]"]
    symbols = Dictionary.load(str(out / "target/dict.txt"))
    trained, unseen = ["[IN:A", "[SL:B", "]"], ["[SL:C"]
    pointers = [f"@ptr_{i}" for i in range(256)]
    assert symbols.symbols[symbols.nspecial :] == [*trained, *pointers, *unseen]
    assert symbols.count[-1] == 0 and 0 not in symbols.count[:-1]
    assert (out / "target/ontology.txt").read_text() == "[IN:A [SL:B\n"
    forbidden = {k: v["forbidden_by_ontology"] for k, v in read_audits(out).items()}
    assert forbidden == {"train.en": 0, "valid.en": 0, "test.fr": 1}
    assert "--grammar ontology forbids 1" in capsys.readouterr().out


def test_one_file_can_hold_all_splits(tokenizer, tmp_path):
    record = {
        "locale": "en-US",
        "intent": "rest",
        "utt": "cat",
        "annot_utt": "[a : cat]",
    }
    lines = [json.dumps({**record, "partition": p}) for p in ("train", "dev", "test")]
    folder = write_files(tmp_path / "in", {"en-US.jsonl": "\n".join(lines)})
    out = prepare("massive", tokenizer, folder)
    for subset in ("train.en", "valid.en", "test.en"):
        assert read(out, "label", subset) == ["B-a"]
        assert read_audits(out)[subset]["rows_read"] == 1
    with pytest.raises(SystemExit, match="has validation data; leave out"):
        prepare("massive", tokenizer, folder, "--valid-fraction", "0.1")


def test_words_alone_decide_what_is_held_out(tokenizer, tmp_path):
    rows = "".join(f"{word}\tO\nthe\tO\n\n" for word in [*WORDS, *WORDS])
    folder = write_files(tmp_path / "in", {"en/train": rows, "fr/dev": rows})
    out = prepare("wikiann", tokenizer, folder, "--valid-fraction", "0.3")
    train, valid = (read(out, "words", f"{s}.en") for s in ("train", "valid"))
    assert len(train) + len(valid) == 2 * len(WORDS)
    assert valid and set(train).isdisjoint(valid)


def test_held_out_part_is_seeded_and_shares_no_first_sentence(
    tokenizer, pawsx, tmp_path
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
    tokenizer, pawsx, tmp_path, capsys
):
    out = tmp_path / "out"
    command = ["pawsx", str(pawsx), str(out), "--tokenizer", str(tokenizer)]
    main(command)
    before = (out / "audit.json").stat().st_mtime_ns
    main(command)
    assert "is complete already" in capsys.readouterr().out
    assert (out / "audit.json").stat().st_mtime_ns == before
    with pytest.raises(SystemExit, match="holds other data; name"):
        main([*command, "--keep-ns"])
    with open(pawsx / "x-final/en/train.tsv", "a") as file:
        file.write("9\tone\ttwo\t1\n")
    with pytest.raises(SystemExit, match="holds other data"):
        main(command)


def test_bad_row_leaves_nothing_behind(tokenizer, pawsx, tmp_path):
    with open(pawsx / "x-final/fr/test_2k.tsv", "a") as file:
        file.write("9\tone\ttwo\t7\n")
    with pytest.raises(SystemExit, match=r"error: .*test_2k\.tsv:5: unknown label '7'"):
        prepare("pawsx", tokenizer, pawsx)
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    "name, text, complaint",
    [
        ("fr/test", "le\n", r"test:1: 1 tab-separated columns"),
        ("fr/test.tsv", "le\tO\n", r"both hold test\.fr; move one"),
        ("fr/test", "", r"test: the file is empty"),
    ],
)
def test_bad_word_files_leave_nothing_behind(tokenizer, wikiann, name, text, complaint):
    (wikiann / name).write_text(text)
    with pytest.raises(SystemExit, match=rf"error: .*{complaint}"):
        prepare("wikiann", tokenizer, wikiann)
    assert not list(wikiann.parent.glob("out*"))


def test_keep_ns_is_refused_where_it_means_nothing(tokenizer, wikiann):
    with pytest.raises(SystemExit, match="--keep-ns: wikiann has no rows to keep"):
        prepare("wikiann", tokenizer, wikiann, "--keep-ns")


def test_a_subset_without_rows_is_an_error(tokenizer, pawsx):
    (pawsx / "x-final/fr/dev_2k.tsv").write_text("id\tsentence1\tsentence2\tlabel\n")
    with pytest.raises(SystemExit, match="no row is left for valid.fr; add rows"):
        prepare("pawsx", tokenizer, pawsx)


def test_a_subset_whose_rows_are_all_dropped_says_why(tokenizer, pawsx):
    rows = "id\tsentence1\tsentence2\tlabel\n7\tNS\tNS\t0\n"
    (pawsx / "x-final/fr/dev_2k.tsv").write_text(rows)
    with pytest.raises(SystemExit, match=r"dropped: .*NS.* \(line 2\); correct them"):
        prepare("pawsx", tokenizer, pawsx)


def test_too_few_rows_to_hold_one_out_is_an_error(tokenizer, pawsx):
    (pawsx / "x-final/en/dev_2k.tsv").unlink()
    with pytest.raises(SystemExit, match="for valid.en; .*raise --valid-fraction"):
        prepare("pawsx", tokenizer, pawsx, "--valid-fraction", "1e-9")


@pytest.mark.parametrize(
    "flags, complaint",
    [
        (["--tokenizer", "nowhere"], "nowhere: no dict.txt; name a tokenizer folder"),
        (["--train", "nowhere.tsv"], "--train nowhere.tsv: no such file"),
        (["--langs", "en,ko"], "no file for ko"),
    ],
)
def test_bad_arguments_are_one_line(tokenizer, pawsx, flags, complaint):
    with pytest.raises(SystemExit, match=complaint):
        prepare("pawsx", tokenizer, pawsx, *flags)

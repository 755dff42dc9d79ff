import gzip
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from fairseq.data import Dictionary
from kill_corpus import checksums
from scripts import EXAMPLES
from tiny import STUDENT, load, shape_flags, train

from fairseq_mlkd.data.binary import load_binary
from fairseq_mlkd.prepare.corpus.build import build_corpus
from fairseq_mlkd.prepare.corpus.options import CorpusOptions
from fairseq_mlkd.prepare.corpus.report import existing_report
from fairseq_mlkd.text.tokenizer import Tokenizer

SIZES = {"en": 120, "de": 30}


def make_sentences(lang, count):
    rng = random.Random(lang)
    words = ["".join(rng.choices("abcdéñß", k=rng.randint(2, 6))) for _ in range(60)]
    # Numbers in letters: digits would be read out.
    numbers = [str(n).translate(str.maketrans("0123456789", "fghijklmno"))
               for n in range(count)]  # fmt: skip
    return [f"{' '.join(rng.choices(words, k=5))} {lang}{n}" for n in numbers]


@pytest.fixture(scope="module", autouse=True)
def no_pictures():
    """Leave the pictures to the tests of the card: they take half of the time."""
    name = "fairseq_mlkd.prepare.corpus.card_pictures"
    nothing = SimpleNamespace(draw_pictures=lambda languages, folder: {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, name, nothing)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    paths = {}
    for lang, count in SIZES.items():
        paths[lang] = [str(tmp_path_factory.mktemp("text") / f"{lang}.txt")]
        text = "\n".join(make_sentences(lang, count)) + "\n"
        Path(paths[lang][0]).write_text(text, encoding="utf-8")
    return paths


def small(texts, **changes):
    return CorpusOptions(**{"files": texts, "codes": 60, "valid": 7, **changes})


def read_back(out, lang, split):
    dictionary = Dictionary.load(str(out / "dict.txt"))
    dataset = load_binary(str(out / lang / split))
    return [dictionary.string(ids, "@@ ") for ids in dataset]


@pytest.fixture(scope="module")
def built(tmp_path_factory, files):
    """Return a corpus of the files, which no test changes."""
    out = tmp_path_factory.mktemp("corpus") / "out"
    build_corpus(str(out), small(files))
    return out


def test_every_sentence_is_in_exactly_one_part(built):
    report = json.loads((built / "report.json").read_text())
    for lang, count in SIZES.items():
        train = read_back(built, lang, "train")
        valid = read_back(built, lang, "valid")
        assert len(valid) == 7 and sorted(train + valid) == sorted(
            make_sentences(lang, count)
        )
        assert report["languages"][lang]["train"] == len(train) == count - 7
    assert "<mask>" not in Dictionary.load(str(built / "dict.txt"))


def test_folder_holds_the_promised_files_only(built):
    names = {"codes", "dict.txt", "report.json", "subwords.json"}
    names |= {f"{lang}/{s}.{e}" for lang in SIZES for s in ("train", "valid")
              for e in ("bin", "idx")}  # fmt: skip
    found = set(checksums(built))
    assert {name for name in found if not name.startswith("card")} == names


def test_same_arguments_same_bytes_other_seed_other_bytes(tmp_path, files):
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        build_corpus(str(tmp_path / name), small(files, seed=seed, sentences=90))
    assert checksums(tmp_path / "a") == checksums(tmp_path / "b")
    assert checksums(tmp_path / "a") != checksums(tmp_path / "c")


def test_drops_are_counted_by_reason(tmp_path, files):
    base = make_sentences("en", 20)
    extra = ["?!", f"{base[3]}!", "a" * 257, "a" * 256, "Well. Two parts. In one line"]
    path = tmp_path / "extra.gz"
    path.write_bytes(gzip.compress("\n".join(base + extra).encode()))
    report = build_corpus(str(tmp_path / "out"), small({"en": [str(path)]}))
    entry = report["languages"]["en"]
    assert entry["files"][str(path)]["lines"] == 25 and entry["sentences"] == 27
    reasons = {"empty": 1, "short": 1, "too_long": 1, "duplicate": 1, "incomplete": 0}
    assert entry["dropped"] == reasons
    lost = {"empty": 0, "short": 4, "too_long": 257, "duplicate": len(base[3])}
    lost["incomplete"] = 0
    assert entry["dropped_characters"] == lost
    assert entry["train"] + entry["valid"] == 23
    kept = [*base, "a" * 256, "two parts", "in one line"]
    assert entry["characters"] == sum(map(len, kept))


def test_sample_has_the_sizes_of_equation_1(tmp_path, files):
    options = small(files, sentences=300, alpha=0.5)
    report = build_corpus(str(tmp_path / "out"), options)
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    roots = {lang: (size - 7) ** 0.5 for lang, size in SIZES.items()}
    for lang, size in SIZES.items():
        expected = 300 * roots[lang] / sum(roots.values())
        train = read_back(tmp_path / "out", lang, "train")
        assert abs(len(train) - expected) <= 1
        times = Counter(train).values()
        assert len(times) == size - 7 and max(times) - min(times) <= 1
        assert report["languages"][lang]["train"] == len(train)
        share = report["languages"][lang]["share_after"]
        assert share == pytest.approx(expected / 300, abs=1e-6)
    assert report["training_alpha"] == 1


def test_sentencepiece_models_are_learnt_as_well(tmp_path, files):
    out = tmp_path / "out"
    report = build_corpus(str(out), small(files, subwords="sentencepiece", codes=80))
    tokenizer = Tokenizer.load(str(out))
    assert tokenizer.subwords.kind == "sentencepiece"
    dictionary = Dictionary.load(str(out / "dict.txt"))
    pieces = {piece.piece for piece in tokenizer.subwords.model.pieces}
    used = {symbol for symbol in dictionary.symbols if "madeupword" not in symbol}
    assert report["dictionary_size"] == len(dictionary)
    assert used <= pieces | {"<pad>"} and len(used) > 40
    texts = {" ".join(tokenizer.segment(line)) for line in make_sentences("de", 30)}
    ids = load_binary(str(out / "de" / "valid"))
    assert {dictionary.string(item) for item in ids} < texts


def test_codes_from_takes_over_codes_and_dictionary(tmp_path, files, built):
    source = str(built)
    build_corpus(str(tmp_path / "b"), small(files, codes_from=source))
    first, second = checksums(built), checksums(tmp_path / "b")
    for name in ("report.json", "card.md"):  # they name the arguments
        assert first.pop(name) != second.pop(name)
    assert first == second
    other = tmp_path / "other.txt"
    other.write_text("\n".join(f"äöü {n}" for n in range(20)))
    options = small({"xx": [str(other)]}, codes_from=source)
    report = build_corpus(str(tmp_path / "c"), options)
    assert report["languages"]["xx"]["unknown_rate"] > 0.4


def test_shards_hold_the_training_data_once(tmp_path, files, built):
    report = build_corpus(str(tmp_path / "three"), small(files, shards=3))
    shards = [tmp_path / "three" / f"shard{i}" for i in range(3)]
    for lang in SIZES:
        whole = read_back(built, lang, "train")
        parts = [read_back(shard, lang, "train") for shard in shards]
        assert sorted(sum(parts, [])) == sorted(whole)
        sizes = [len(part) for part in parts]
        assert max(sizes) - min(sizes) <= 1 and report["languages"][lang][
            "train"
        ] == sum(sizes)
        held_out = read_back(built, lang, "valid")
        assert read_back(shards[0], lang, "valid") == held_out
        assert not (shards[1] / lang / "valid.bin").exists()
        assert parts[0] != whole[: len(parts[0])]  # dealt at random
    for folder in (tmp_path / "three", *shards):
        assert Tokenizer.load(str(folder)).subwords.kind == "subword-nmt"
        assert (
            len(Dictionary.load(str(folder / "dict.txt"))) == report["dictionary_size"]
        )


def test_training_goes_from_shard_to_shard_and_resumes(tmp_path, files):
    build_corpus(str(tmp_path / "out"), small(files, shards=2))
    data = f"{tmp_path}/out/shard0:{tmp_path}/out/shard1"
    flags = ["--task", "multilingual_mlm", "--criterion", "task_cross_entropy"]
    flags += [*shape_flags(STUDENT), "--batch-size", 16, "--disable-validation"]
    for name, epochs in [("whole", [2]), ("parts", [1, 2])]:
        for epoch in epochs:
            train(data, tmp_path / name, *flags, "--max-epoch", epoch)
    whole, parts = (
        load(tmp_path / name / "checkpoint_last.pt")["model"]
        for name in ("whole", "parts")
    )
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_codes_from_an_encoder_without_normalisation(tmp_path, files):
    build_corpus(str(tmp_path / "a"), small(files))
    source = tmp_path / "a"
    plain = Tokenizer(Tokenizer.load(str(source)).subwords, "none")
    plain.save(str(source))
    text = tmp_path / "text"
    text.write_text("".join(f"A  b, {n}.\n" for n in range(20)))
    options = small({"en": [str(text)]}, codes_from=str(source))
    build_corpus(str(tmp_path / "b"), options)
    lengths = {
        len(ids) - 1 for ids in load_binary(str(tmp_path / "b" / "en" / "train"))
    }
    assert lengths <= {len(plain.tokenize(f"A  b, {n}.", "en")) for n in (3, 13)}
    assert Tokenizer.load(str(tmp_path / "b")).normalisation == "none"


def test_leftovers_of_an_interrupted_run_are_replaced(tmp_path, files):
    partial = tmp_path / "out" / ".partial" / "text"
    partial.mkdir(parents=True)
    (partial / "en").write_text("of another version, or killed at once")
    assert existing_report(str(tmp_path / "out"), small(files)) is None
    build_corpus(str(tmp_path / "out"), small(files))
    assert not (tmp_path / "out" / ".partial").exists()


def test_existing_folder_is_reused_or_refused(tmp_path, files):
    out, english = str(tmp_path / "out"), tmp_path / "en.txt"
    shutil.copy(files["en"][0], english)
    files = {**files, "en": [str(english)]}
    assert existing_report(out, small(files)) is None
    report = build_corpus(out, small(files))
    assert existing_report(out, small(files)) == report
    with pytest.raises(ValueError, match="holds something else"):
        existing_report(out, small(files, seed=2))
    with english.open("a", encoding="utf-8") as file:
        file.write("more\n")
    with pytest.raises(ValueError, match="holds something else"):
        existing_report(out, small(files))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"alpha": 1.5}, "--alpha 1.5"),
        ({"max_characters": 0}, "--max-characters 0"),
        ({"valid": 30}, "language de: only 30 sentences are left"),
        ({"sentences": 1, "alpha": 1.0}, "language de gets none"),
        ({"files": {"en": ["gone.txt"]}}, "gone.txt: no such file"),
        ({"codes_from": "nowhere"}, "subwords.json: cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, files, changes, message):
    with pytest.raises(ValueError, match=message) as error:
        build_corpus(str(tmp_path / "out"), small(files, **changes))
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_stock_commands_give_the_same_bytes(tmp_path, files):
    build_corpus(str(tmp_path / "ours"), small({"en": files["en"]}))
    valid = set(read_back(tmp_path / "ours", "en", "valid"))
    texts = tmp_path / "texts" / "en"
    texts.mkdir(parents=True)
    sentences = make_sentences("en", SIZES["en"])
    for split, held_out in [("train", False), ("valid", True)]:
        chosen = [text for text in sentences if (text in valid) == held_out]
        (texts / f"{split}.txt").write_text("\n".join(chosen) + "\n")
    script = EXAMPLES / "stock_preprocess.sh"
    folders = [texts.parent, tmp_path / "ours", tmp_path / "stock"]
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    subprocess.run(
        ["bash", str(script), *map(str, folders)],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PATH": path},
    )
    for name in ("train.bin", "train.idx", "valid.bin", "valid.idx"):
        ours = (tmp_path / "ours" / "en" / name).read_bytes()
        assert ours == (tmp_path / "stock" / "en" / name).read_bytes()

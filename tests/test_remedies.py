"""What is optional: each library has its extra, and one line where it is missing."""

import subprocess
import sys
from collections import Counter
from importlib.metadata import packages_distributions
from typing import Any

import pytest

from fairseq_mlkd.prepare.corpus.readers import (
    Document,
    billion_words,
    document_paragraphs,
)
from fairseq_mlkd.prepare.corpus.workers import open_cluster
from fairseq_mlkd.remedies import EXTRAS, needed_for
from fairseq_mlkd.text.spoken import japanese


def test_every_optional_library_is_in_the_extra_that_is_named(setup_arguments: Any):
    extras = setup_arguments["extras_require"]
    packages = packages_distributions()
    for library, extra in EXTRAS.items():
        assert {name.lower() for name in packages[library]} & set(extras[extra])
    users = set(extras) - {"all", "dev", "docs"}
    # snakemake is a command that users type
    assert users - {"study"} == set(EXTRAS.values())
    assert set(extras["all"]) == {name for extra in users for name in extras[extra]}
    assert not set(extras["all"]) & set(setup_arguments["install_requires"])


def read(markup: str) -> list[str]:
    return list(document_paragraphs(Document("Words .", markup), Counter(), "en"))


@pytest.mark.parametrize(
    "library, run, line",
    [
        ("fugashi", japanese._segmenter.__wrapped__, "Japanese words: fugashi"),
        ("mwparserfromhell", lambda: read("wikitext"), "dumps: mwparserfromhell"),
        ("sacremoses", lambda: read("tokenised"), "Billion Words: sacremoses"),
        ("submitit", lambda: open_cluster("local", "x", {}), "--cluster: submitit"),
    ],
)
def test_a_missing_library_is_one_line(monkeypatch, library, run, line):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "fairseq_mlkd.prepare.corpus.wikitext", False)
    billion_words._detokenizer.cache_clear()
    pip = rf"pip install 'fairseq_mlkd\[{EXTRAS[library]}\]'$"
    with pytest.raises(ValueError, match=f"{line} is missing: {pip}"):
        run()


def test_other_import_errors_are_faults():
    with pytest.raises(ImportError), needed_for("this"):
        raise ImportError("cannot import name", name="fairseq_mlkd")


def test_without_any_extra_text_becomes_a_corpus(tmp_path):
    text = tmp_path / "en.txt"
    text.write_text("".join(f"Sentence number {n}.\n" for n in range(40)))
    code = f"import sys\nsys.modules.update(dict.fromkeys({list(EXTRAS)}))\n"
    code += "from fairseq_mlkd.__main__ import main\nmain(sys.argv[1:])"
    command = [sys.executable, "-c", code]
    sizes = ["--codes", "10", "--valid", "5", "--workers", "1"]
    words = ["corpus", str(tmp_path / "out"), f"en={text}", *sizes]
    subprocess.run([*command, *words], check=True, capture_output=True)
    words = ["download", "xnli", "--to", str(tmp_path)]
    ran = subprocess.run([*command, *words], capture_output=True, text=True)
    pip = "pip install 'fairseq_mlkd[download]'"
    assert ran.stderr == f"mlkd-download: error: requests is missing: {pip}\n"

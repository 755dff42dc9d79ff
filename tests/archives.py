"""Small archives in the layouts of the official ones."""

import io
import tarfile
import zipfile

XNLI_HEADER = "language\tgold_label\tsentence1\tsentence2\n"
MASSIVE_ROW = (
    '{"locale": "de-DE", "partition": "train", "intent": "x", "utt": "a", '
    '"annot_utt": "a"}\n'
)
# The layouts of the official archives: names of their members, and some text.
ARCHIVES = {
    ("xnli", "XNLI-1.0.zip"): {
        "XNLI-1.0/xnli.dev.tsv": XNLI_HEADER + "de\tneutral\ta\tb\n",
        "XNLI-1.0/xnli.test.tsv": XNLI_HEADER + "de\tneutral\ta\tb\n",
        "XNLI-1.0/xnli.dev.jsonl": "{}",
        "__MACOSX/XNLI-1.0/._xnli.dev.tsv": "?",
    },
    ("xnli", "XNLI-MT-1.0.zip"): {
        "XNLI-MT-1.0/multinli/multinli.train.de.tsv": "premise\thypo\tlabel\n",
        "XNLI-MT-1.0/multinli/multinli.train.hi.tsv": "premise\thypo\tlabel\n",
        "XNLI-MT-1.0/xnli/xnli.dev.de.tsv": "?",
    },
    ("pawsx", "x-final.tar.gz"): {
        "x-final/de/dev_2k.tsv": "id\tsentence1\tsentence2\tlabel\n",
        "x-final/hi/dev_2k.tsv": "id\tsentence1\tsentence2\tlabel\n",
        "x-final/README": "?",
    },
    ("massive", "amazon-massive-dataset-1.1.tar.gz"): {
        "1.1/data/de-DE.jsonl": MASSIVE_ROW,
        "1.1/data/hi-IN.jsonl": MASSIVE_ROW,
        "1.1/LICENSE": "?",
    },
    ("mtop", "mtop.zip"): {
        "mtop/de/train.txt": "?\n",
        "mtop/hi/eval.txt": "?\n",
        "mtop/README.txt": "?",
    },
    ("wikiann", "panx_dataset.zip"): {
        "de.tar.gz": {"train": "de:a\tO\n", "dev": "de:a\tO\n", "extra": "?"},
        "hi.tar.gz": {"./test": "hi:a\tO\n"},
    },
}


def tar_bytes(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def write_archive(path, members):
    if path.suffix == ".gz":
        path.write_bytes(tar_bytes(members))
        return path
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("folder/", "")
        for name, text in members.items():
            archive.writestr(name, tar_bytes(text) if isinstance(text, dict) else text)
    return path

import bz2
import gzip
import io
import json
import lzma
import re
import subprocess
import sys
import tarfile
from collections import Counter

import pytest
import zstandard
from dumps import dump_xml, page_xml, write_dump

from fairseq_mlkd.prepare.corpus.readers import document_paragraphs, read_documents

ARTICLES = [
    (f"Title & {number}", [f"Text {number} of line {i} <is> here." for i in range(9)])
    for number in range(25)
]
PAGE = page_xml("A", "It is a text.")
BOMB = """<?xml version="1.0"?>
<!DOCTYPE mediawiki [<!ENTITY a "ha">
{}]>
<mediawiki><page><ns>0</ns><revision><text>&l9;</text></revision></page></mediawiki>
"""
TARBALL = "1-billion-word-language-modeling-benchmark-r13output"
TRAINING = f"{TARBALL}/training-monolingual.tokenized.shuffled/news.en-00001-of-00100"


def read(path):
    """Return what a file holds, document by document as paragraphs, and the counts."""
    counts = Counter()
    documents = read_documents(str(path), counts)
    return [list(document_paragraphs(document)) for document in documents], counts


def refusal(path):
    """Return the one line that a bad file is refused with."""
    with pytest.raises(ValueError) as error:
        read(path)
    message = str(error.value)
    assert message.startswith(str(path)) and "\n" not in message
    return message[len(str(path)) :]


def bomb():
    levels = (f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    return BOMB.format('<!ENTITY l0 "ha">' + "\n".join(levels))


@pytest.mark.parametrize(
    "name, options",
    [("a.xml", {}), ("a.xml.bz2", {}), ("a.xml.bz2", {"multistream": 4})],
)
def test_dump_gives_the_paragraphs_of_its_articles(tmp_path, name, options):
    write_dump(tmp_path / name, ARTICLES, **options)
    articles, counts = read(tmp_path / name)
    assert articles == [texts for _, texts in ARTICLES]
    assert counts.pop("characters") > sum(len("".join(texts)) for _, texts in ARTICLES)
    assert counts == {"pages": 29, "dropped_redirect": 2, "dropped_namespace": 2}


def test_dump_drops_by_name_and_keeps_the_last_revision(tmp_path):
    pages = [
        page_xml("Old redirect", "#WEITERLEITUNG [[Ziel]]").replace("<redirect", "<x"),
        page_xml("Empty", " \n"),
        page_xml("Code", "p {}").replace("<model>wikitext", "<model>css"),
        PAGE.replace("</page>", "<revision><text>The last.</text></revision></page>"),
        PAGE.replace("<ns>0</ns>", ""),
    ]
    (tmp_path / "a.xml").write_text(dump_xml("".join(pages)))
    articles, counts = read(tmp_path / "a.xml")
    assert articles == [["The last."], ["It is a text."]]
    dropped = {"dropped_redirect": 1, "dropped_empty": 1, "dropped_model": 1}
    assert {key: counts[key] for key in dropped} == dropped and counts["pages"] == 5


@pytest.mark.parametrize(
    "text, message",
    [
        ("", ": page 1: not well-formed XML .no element found"),
        (dump_xml(""), ": holds no text"),
        (dump_xml(PAGE)[:-40], ": page 1: not well-formed XML .* cut off"),
        (dump_xml(PAGE)[:-14], ": page 2: not well-formed XML .* cut off"),
        (bomb(), ": declares a document type"),
        ("<html><page/></html>", ": begins with <html>.* pages-articles"),
        ("Plain text.\n", ": page 1: not well-formed XML"),
        (dump_xml(PAGE * 3 + "\0" * 4096 + PAGE), ": page .: holds a block of zeros"),
        (dump_xml(page_xml("A", "ha" * (3 << 20))), ": page 1: more than 4194304 char"),
        (dump_xml(f"<page {'a' * (3 << 20)}/>"), ": page 1: a tag of more than"),
        (dump_xml("<a>" * 100 + "</a>" * 100), ": page 1: elements nested 33 deep"),
    ],
    ids=["empty", "no_page", "cut", "cut_late", "bomb", "html", "text"]
    + ["zeros", "large", "tag", "deep"],
)
def test_bad_dump_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "a.xml"
    path.write_text(text)
    assert re.match(message, refusal(path))


def test_dump_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "a.xml"
    path.write_bytes(dump_xml(page_xml("A", "schön")).encode("latin1"))
    assert ": page 1: not well-formed XML" in refusal(path)


@pytest.mark.parametrize("multistream", [0, 4])
@pytest.mark.parametrize("damage", ["truncated", "zeros"])
def test_damaged_bz2_is_refused(tmp_path, multistream, damage):
    path = tmp_path / "a.xml.bz2"
    write_dump(path, ARTICLES, multistream)
    whole = path.read_bytes()
    middle = len(whole) // 2
    zeros = whole[:middle] + bytes(512) + whole[middle + 512 :]
    path.write_bytes(whole[:-10] if damage == "truncated" else zeros)
    assert ": cannot be read at byte " in refusal(path)


def test_bz2_with_a_lost_start_of_a_stream_is_not_taken_for_its_end(tmp_path):
    """The standard library's reader stops there in silence."""
    path = tmp_path / "a.txt.bz2"
    second = bytearray(bz2.compress(b"two\n"))
    second[:4] = bytes(4)
    path.write_bytes(bz2.compress(b"one\n") + second)
    assert ": cannot be read at byte " in refusal(path)


def test_page_of_a_million_braces_is_read(tmp_path):
    path = tmp_path / "a.xml"
    page = page_xml("A", "{{" * 500_000 + "\nIt is a text.")
    path.write_text(dump_xml(page + PAGE))
    assert read(path)[0] == [["It is a text."]] * 2


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.zst"])
def test_lines_of_text_are_paragraphs(tmp_path, name):
    text = "Eins.\n\n  Zwei\u2028drei. \n".encode()
    pack = {".gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}
    (tmp_path / name).write_bytes(pack.get(name[-3:], bytes)(text))
    expected = [["Eins.", "Zwei\u2028drei."]]
    assert read(tmp_path / name) == (expected, {"lines": 3, "characters": 18})


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", ": holds no text; remove it"),
        (b"gut\nsch\xf6n\n", ":2: not UTF-8"),
        (b"gut\n" + bytes(4096), ":2: holds a block of zeros"),
        (b"gut\n" + b"x" * 10_000_000, ":2: longer than 1048576 bytes"),
    ],
)
def test_bad_text_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    assert refusal(path).startswith(message)


@pytest.mark.parametrize(
    "name",
    [
        "enwiki-20240101-pages-articles-multistream1.xml-p1p3.bz2",
        "dewiki-20240101-pages-articles1.xml-p1p262000",
        "dump",
        "dump.txt",
        "dump.old.gz",
        "dump.xml.bz2.part2",
    ],
)
@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress, lzma.compress])
def test_a_dump_is_known_by_its_content(tmp_path, name, pack):
    path = tmp_path / name
    path.write_bytes(pack(b"\xef\xbb\xbf" + dump_xml(PAGE).encode()))
    assert read(path)[0] == [["It is a text."]]


@pytest.mark.parametrize("name", ["a.txt", "rows", "part-00000-of-00041"])
def test_rows_are_known_by_their_content(tmp_path, name):
    pq = pytest.importorskip("pyarrow.parquet", reason="parquet needs pyarrow")
    pa = pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
    path = tmp_path / name
    path.write_text('{"id": 1, "text": "It is a text."}\n')
    assert read(path)[0] == [["It is a text."]]
    pq.write_table(pa.table({"text": ["It is a text."]}), path)
    assert read(path)[0] == [["It is a text."]]


@pytest.mark.parametrize(
    "title, is_article",
    [
        ("Star Trek: Voyager", True),
        ("2001: A Space Odyssey", True),
        ("Template:Infobox", False),
        ("Talk:Rome", False),
        ("User talk:A", False),
        ("File:A.jpg", False),
        ("Category:Cities", False),
        ("Wikipedia:Village pump", False),
        ("Diskussion:Rom", False),
        ("Benutzer Diskussion:A", False),
        ("Vorlage:Rom", False),
        ("Discussion utilisateur:A", False),
        ("Modèle:Date", False),
        ("Plantilla:Fecha", False),
        ("Usuario discusión:A", False),
        ("Discussioni utente:A", False),
        ("Predefinição:Data", False),
        ("Usuário(a):A", False),
        ("ノート:東京", False),
        ("साँचा:दिनांक", False),
        ("Gnomovision:A", False),  # the dump names it
    ],
)
def test_pages_of_old_dumps_are_told_by_their_titles(tmp_path, title, is_article):
    """They have no <ns>."""
    page = re.sub(r"<ns>\d+</ns>", "", page_xml(title, "It is a text."))
    name = '<namespace key="106" case="first-letter">Gnomovision</namespace>'
    dump = dump_xml(page).replace("</namespaces>", f"{name}</namespaces>")
    path = tmp_path / "a.xml"
    path.write_text(dump)
    texts, counts = read(path)
    assert texts == ([["It is a text."]] if is_article else [])
    assert counts["dropped_namespace"] == (not is_article)


def test_rows_of_jsonl_and_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    texts = ["Eins.\n\nZwei.", "  ", "Drei {{bleibt}}."] * 40
    rows = [json.dumps({"id": 1, "text": text}) for text in texts]
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress("\n\n".join(rows).encode()))
    table = pyarrow.table({"title": texts, "text": texts})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=7)
    expected = [["Eins.", "Zwei."], ["Drei {{bleibt}}."]] * 40
    counts = {"pages": 120, "characters": 40 * 30, "dropped_empty": 40}
    for name in ("a.jsonl.gz", "a.parquet"):
        assert read(tmp_path / name) == (expected, counts)


@pytest.mark.parametrize(
    "line, message",
    [
        ('{"text": "a"', ":2: not JSON"),
        ("[" * 100_000, ":2: not JSON"),
        ('{"title": "a"}', ':2: no "text"'),
        ('["text"]', ":2: holds no JSON object"),
        ('{"text": null}', ':2: "text" is a NoneType'),
        ('{"text": "%s"}' % ("a" * 5_000_000), ":2: more than 4194304 characters"),
        ("\0" * 4096, ":2: holds a block of zeros"),
    ],
    ids=["cut", "nested", "missing", "list", "null", "large", "zeros"],
)
def test_bad_line_of_json_is_refused(tmp_path, line, message):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n' + line + "\n")
    assert refusal(path).startswith(message)


def test_bad_parquet_is_refused(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"title": ["a"]}), path)
    assert refusal(path).startswith(': no column "text" among title')
    parquet.write_table(pyarrow.table({"text": [1]}), path)
    assert refusal(path).startswith(': row 1: "text" is a int')
    path.write_bytes(path.read_bytes()[:-5])
    assert refusal(path).startswith(": cannot be read after row 0")
    path.write_text("Plain text.")
    assert refusal(path).startswith(": cannot be read after row 0")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"")
    assert "pip install 'fairseq_mlkd[corpus]'" in refusal(tmp_path / "a.parquet")


def test_billion_words_training_members_are_read_and_detokenised(tmp_path):
    members = {
        TRAINING: b"He won 't pay $ 3 for \" it . \"\nJr . , who 's ( not ) here .\n",
        TRAINING.replace("00001", "00002"): b"Three .\n",
        f"{TARBALL}/heldout-monolingual.tokenized.shuffled/news.en-00000": b"No .\n",
        f"../{TRAINING.split('/', 1)[1]}": b"No .\n",
    }
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo(TRAINING.replace("00001", "00003"))
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    texts, counts = read(tmp_path / "a.tar.gz")
    first = ['He won\'t pay $3 for "it."', "Jr., who's (not) here."]
    assert texts == [first, ["Three."]]
    assert (counts["lines"], counts["dropped_member"]) == (3, 3)


def test_bad_tarball_is_refused(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo(TRAINING)
        member.size = 100_000
        tar.addfile(member, io.BytesIO(b"A line of text .\n" * 6000))
    whole = path.read_bytes()
    path.write_bytes(whole[:50_000])
    assert ": no whole tar archive" in refusal(path)
    path.write_bytes(whole[:2048] + bytes(4096) + whole[6144:])
    assert "holds a block of zeros" in refusal(path)
    path.write_text("Plain text.")
    assert ": no whole tar archive" in refusal(path)


@pytest.mark.parametrize("name", ["none.txt", "none.xml.bz2", "none.parquet"])
def test_missing_file_is_refused(tmp_path, name):
    assert "No such file" in refusal(tmp_path / name)


PEAK = """
import resource, sys
from collections import Counter
from fairseq_mlkd.prepare.corpus.readers import document_paragraphs, read_documents
for document in read_documents(sys.argv[1], Counter()):
    for paragraph in document_paragraphs(document):
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_dump(tmp_path):
    peaks = []
    for n_pages in (1000, 10_000):
        path = tmp_path / "a.xml.bz2"
        pages = (
            (f"T {n}", [f"Text {n} of line {i}. " * 20 for i in range(12)])
            for n in range(n_pages)
        )
        write_dump(path, pages, multistream=100)
        run = [sys.executable, "-c", PEAK, str(path)]
        peaks.append(int(subprocess.run(run, check=True, stdout=-1).stdout))
    assert peaks[1] < 1.05 * peaks[0]

import bz2
import gzip
import lzma
import os
import tracemalloc

import pytest
import zstandard

from fairseq_mlkd.files.packed import open_packed, strip_packing

PACKERS = {
    "a.txt": bytes,
    "a.gz": gzip.compress,
    "a.bz2": bz2.compress,
    "a.xz": lzma.compress,
    "a.zst": zstandard.ZstdCompressor().compress,
}
PACKED = sorted(set(PACKERS) - {"a.txt"})


def unpack(path):
    with open_packed(str(path)) as stream:
        return stream.read()


@pytest.mark.parametrize("name", PACKERS)
def test_streams_one_after_another_are_one_file(tmp_path, name):
    parts = [b"eins\nzw", b"", b"ei\n" * 300_000]
    (tmp_path / name).write_bytes(b"".join(map(PACKERS[name], parts)))
    assert unpack(tmp_path / name) == b"".join(parts)


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("whole_streams", [0, 1])
@pytest.mark.parametrize("cut", ["end", "start"])
def test_damaged_stream_is_one_clear_error(tmp_path, name, whole_streams, cut):
    """Also after a whole stream, where bz2 and lzma see the end of the file."""
    packed = PACKERS[name](os.urandom(1000).hex().encode())
    damaged = packed[:-20] if cut == "end" else bytes(8) + packed[8:]
    path = tmp_path / name
    path.write_bytes(PACKERS[name](b"eins\n") * whole_streams + damaged)
    with pytest.raises(ValueError, match=f"{name}: cannot be read at byte .*again$"):
        unpack(path)


@pytest.mark.parametrize("name", PACKERS)
def test_missing_file_is_one_clear_error(tmp_path, name):
    with pytest.raises(ValueError, match=f"{name}: cannot be read .No such file"):
        unpack(tmp_path / name)


@pytest.mark.parametrize("name", ["a.bz2", "a.gz", "a.xz"])
def test_little_that_unpacks_to_much_is_unpacked_in_blocks(tmp_path, name):
    (tmp_path / name).write_bytes(PACKERS[name](bytes(1 << 26)))
    with open_packed(str(tmp_path / name)) as stream:
        tracemalloc.start()
        size = sum(map(len, iter(lambda: stream.read(1 << 18), b"")))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size == 1 << 26 and peak < 1 << 24  # xz keeps 8 MiB


def test_strip_packing():
    assert strip_packing("a/b.xml.bz2") == "a/b.xml"
    assert strip_packing("a.gz/b.xml") == "a.gz/b.xml"

from fairseq_mlkd.files.hashing import file_sha256


def test_file_sha256_of_known_bytes(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_sha256(tmp_path / "f") == known

import os
import stat

import pytest

from fairseq_mlkd.files import writing
from fairseq_mlkd.files.writing import folder_on_success, replace_on_success


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(RuntimeError), replace_on_success(path) as partial:
        with open(partial, "w") as file:
            file.write("half")
        raise RuntimeError
    assert os.listdir(tmp_path) == ["a"] and path.read_text() == "old"


@pytest.mark.parametrize("shared", [False, True])
def test_failed_folder_is_gone_and_a_finished_one_is_whole(tmp_path, shared):
    path = tmp_path / "above" / "a"
    with pytest.raises(RuntimeError), folder_on_success(path, shared=shared) as partial:
        (partial / "half").write_text("half")
        raise RuntimeError
    assert os.listdir(path.parent) == []
    with folder_on_success(path, shared=shared) as partial:
        (partial / "all").write_text("all")
        assert not path.exists()
    assert os.listdir(path.parent) == ["a"] and os.listdir(path) == ["all"]
    plain = tmp_path / "plain"
    plain.mkdir()
    assert path.stat().st_mode == plain.stat().st_mode  # others may read it


def test_remains_of_a_killed_run_go_unless_another_process_may_write_them(tmp_path):
    remains = tmp_path / "a.partial"
    remains.mkdir()
    (remains / "half").write_text("half")
    with folder_on_success(tmp_path / "a", shared=True) as partial:
        assert os.listdir(partial) == []
    assert remains.exists()
    with folder_on_success(tmp_path / "b"), folder_on_success(tmp_path / "a"):
        assert os.listdir(remains) == []


@pytest.fixture
def events(monkeypatch):
    """Return what reached the disk, and what took its name, in this order."""
    events = []
    replace, sync = os.replace, os.fsync

    def record_sync(descriptor):
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        events.append("file" if is_file else "folder")
        sync(descriptor)

    def record_replace(source, target):
        events.append("replace")
        replace(source, target)

    monkeypatch.setattr(writing.os, "fsync", record_sync)
    monkeypatch.setattr(writing.os, "replace", record_replace)
    return events


def test_bytes_are_on_the_disk_before_the_name_is(tmp_path, events):
    with replace_on_success(tmp_path / "a") as partial, open(partial, "w") as file:
        file.write("all")
    assert events == ["file", "replace", "folder"]


def test_files_of_a_folder_are_on_the_disk_before_its_name_is(tmp_path, events):
    with folder_on_success(tmp_path / "a") as partial:
        (partial / "all").write_text("all")
    assert events == ["file", "folder", "replace", "folder"]

"""The file of signals: facts, damage, kills, several processes at once."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fairseq_mlkd.distillation import teacher_cache
from fairseq_mlkd.distillation.teacher_cache import FILE, TeacherCache

BATCH = 7

# A process that adds batches of rows for ever; without the package, whose import
# takes seconds.
FILLER = """
import importlib.util, sys
module, folder, name = sys.argv[1:]
spec = importlib.util.spec_from_file_location("teacher_cache", module)
teacher_cache = importlib.util.module_from_spec(spec)
spec.loader.exec_module(teacher_cache)
sys.stdin.readline()
cache = teacher_cache.TeacherCache(folder)
cache.check({"data": "the same"})
for step in range(LIMIT):
    keys = [b"%d-%d" % (step, i) for i in range(BATCH)]
    cache.add(keys, [name.encode() * 5000] * BATCH)
    found = cache.get(keys)
    assert len(found) == BATCH and len(set(found.values())) == 1
    print(step, flush=True)
"""


def start_filler(folder: Path, name: str, limit: int) -> subprocess.Popen:
    script = FILLER.replace("LIMIT", str(limit)).replace("BATCH", str(BATCH))
    command = [sys.executable, "-c", script, teacher_cache.__file__, str(folder), name]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def start_together(fillers: list[subprocess.Popen]) -> None:
    """Have all of them open the file at one moment, once they have been imported."""
    time.sleep(0.3)
    for filler in fillers:
        filler.stdin.write("\n")
        filler.stdin.close()
        filler.stdin = None  # with two pipes, `communicate` passes over read-ahead


def test_rows_come_back_and_the_first_of_a_key_stays(tmp_path):
    cache = TeacherCache(str(tmp_path / "new" / "cache"))
    assert len(cache) == 0 and cache.get([b"a"]) == {}
    cache.add([b"a", b"b"], [b"1", b""])
    cache.add([b"b", b"c"], [b"2", b"\0"])
    again = TeacherCache(str(tmp_path / "new" / "cache"))
    assert again.get([b"c", b"a", b"b", b"d"]) == {b"c": b"\0", b"a": b"1", b"b": b""}
    assert len(again) == 3


def test_facts_are_learnt_once_and_then_compared(tmp_path):
    cache = TeacherCache(str(tmp_path))
    cache.check({"--mask-prob": 0.15, "--langs": ["de", "en"]})
    again = TeacherCache(str(tmp_path))
    again.check({"--mask-prob": 0.15, "--langs": ["de", "en"], "more": None})
    assert again.recall("--langs") == ["de", "en"] and again.recall("other") is None
    again.remember({"--mask-prob": 0.5})
    assert again.recall("--mask-prob") == 0.15


@pytest.mark.parametrize(
    "fact, message",
    [
        (
            {"--mask-prob": 0.3},
            r"another --mask-prob \(0.15 there, 0.3 here\): name another folder$",
        ),
        ({"--langs": ["de"]}, r"another --langs \(\['de', 'en'\] there, \['de'\] here"),
        ({"teacher": "b" * 64}, "another teacher: name another folder$"),
    ],
)
def test_a_fact_that_differs_is_named_and_nothing_is_learnt(tmp_path, fact, message):
    facts = {"--mask-prob": 0.15, "--langs": ["de", "en"], "teacher": "a" * 64}
    cache = TeacherCache(str(tmp_path))
    cache.check(facts)
    with pytest.raises(ValueError, match=message) as error:
        cache.check({"new": 1, **facts, **fact})
    assert "\n" not in str(error.value) and str(tmp_path) in str(error.value)
    assert cache.recall("new") is None


def damage_file(folder: Path) -> None:
    (folder / FILE).write_bytes(b"no database at all, " * 1000)


def cut_file(folder: Path) -> None:
    path = folder / FILE
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change_row(folder: Path) -> None:
    with sqlite3.connect(str(folder / FILE)) as file:
        file.execute("UPDATE signals SET bytes = ? WHERE key = ?", (b"2", b"5"))
    file.close()


def change_type(folder: Path) -> None:
    with sqlite3.connect(str(folder / FILE)) as file:
        file.execute("UPDATE signals SET bytes = 'text' WHERE key = ?", (b"5",))
    file.close()


def change_fact(folder: Path) -> None:
    with sqlite3.connect(str(folder / FILE)) as file:
        file.execute("UPDATE facts SET value = '{'")
    file.close()


def deepen_fact(folder: Path) -> None:
    with sqlite3.connect(str(folder / FILE)) as file:
        file.execute("UPDATE facts SET value = ?", ("[" * 100_000,))
    file.close()


def change_type_of_fact(folder: Path) -> None:
    with sqlite3.connect(str(folder / FILE)) as file:
        file.execute("UPDATE facts SET value = X'FFFE80'")
    file.close()


DAMAGES = [damage_file, cut_file, change_row, change_type]
DAMAGES += [change_fact, deepen_fact, change_type_of_fact]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_refused_in_one_line(tmp_path, damage):
    cache = TeacherCache(str(tmp_path))
    keys = [str(i).encode() for i in range(200)]
    cache.add(keys, [b"1" * 2000] * 200)
    cache._file.close()
    damage(tmp_path)
    with pytest.raises(ValueError) as error:
        TeacherCache(str(tmp_path)).get(keys)
    message = str(error.value)
    assert message.startswith(f"--teacher-cache {tmp_path}: ") and "\n" not in message
    assert f"delete {FILE}" in message


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(
        ValueError, match="^--teacher-cache .*f: .*exists: '.*f': name another folder$"
    ):
        TeacherCache(str(tmp_path / "f"))


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.1])
def test_a_kill_leaves_no_half_batch(tmp_path, seconds):
    process = start_filler(tmp_path, "a", 10**6)
    start_together([process])
    process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    steps = 1 + process.communicate()[0].count("\n")
    cache = TeacherCache(str(tmp_path))
    # what was committed before the kill may not have been printed yet
    assert len(cache) // BATCH - steps in (0, 1) and len(cache) % BATCH == 0
    keys = [b"%d-%d" % (step, i) for step in range(steps) for i in range(BATCH)]
    assert set(cache.get(keys).values()) == {b"a" * 5000}
    cache.add([b"more"], [b""])


@pytest.mark.parametrize("attempt", range(4))
def test_two_processes_create_and_fill_one_file_at_once(tmp_path, attempt):
    fillers = [start_filler(tmp_path, name, 60) for name in "ab"]
    start_together(fillers)
    assert [f.communicate()[0].count("\n") for f in fillers] == [60, 60]
    assert [f.returncode for f in fillers] == [0, 0]
    cache = TeacherCache(str(tmp_path))
    assert len(cache) == 60 * BATCH and cache.recall("data") == "the same"

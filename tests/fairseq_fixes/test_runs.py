"""Mends of what runs log and how they follow one another."""

from tiny import flags_of, load, train, write_mlm_data


def test_a_finished_training_is_left_as_it_is(tmp_path, caplog):
    data = write_mlm_data(tmp_path / "data")
    flags = flags_of("multilingual_mlm")
    last = train(data, tmp_path / "run", *flags, "--max-update", 3)
    before = last.read_bytes()
    assert "nothing to do" not in caplog.text
    assert train(data, tmp_path / "run", *flags, "--max-update", 3) == last
    assert last.read_bytes() == before
    assert "nothing to do: 3 of --max-update 3 made" in caplog.text
    train(data, tmp_path / "run", *flags, "--max-update", 5)
    assert load(last)["optimizer_history"][-1]["num_updates"] == 5

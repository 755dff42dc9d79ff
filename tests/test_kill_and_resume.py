"""The script that kills runs, twice."""

import pytest
from kill_and_resume import LAST, kill_and_resume
from trained import differences


@pytest.mark.slow
def test_killed_runs_end_like_the_undisturbed_one(tmp_path):
    runs = kill_and_resume(tmp_path, 2, 22, [])  # killed early on
    assert [run.differing for run in runs] == [[], []]
    assert sum(len(run.updates) for run in runs) > 1
    # the comparison can fail
    shorter = kill_and_resume(tmp_path / "shorter", 0, 1, ["--max-update", "6"])
    assert shorter == []
    last = (tmp_path / part / LAST for part in ("undisturbed", "shorter/undisturbed"))
    assert differences(*last)

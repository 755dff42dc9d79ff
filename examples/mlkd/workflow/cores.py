"""Mend how Snakemake counts free cores.

Before 9.17 it gives back the core of a step that alone was ready, and had not taken it:
after each such step one more runs at a time than `--cores` says.
"""

import inspect
from typing import Any


def count_single_steps() -> None:
    """Have Snakemake take the core of a step that alone is ready."""
    try:
        from snakemake.scheduling.job_scheduler import JobScheduler
    except ImportError:  # Snakemake 7, of Python 3.10
        return
    choose = JobScheduler.job_selector
    if "len(jobs) == 1" not in inspect.getsource(choose):
        return

    def job_selector(self: Any, jobs: Any) -> Any:
        chosen = choose(self, jobs)
        if len(jobs) == 1:
            self.update_available_resources(chosen)
        return chosen

    JobScheduler.job_selector = job_selector

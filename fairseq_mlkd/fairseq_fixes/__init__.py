"""Every mend of fairseq and PyTorch, each with the upstream fault that it answers."""

from fairseq_mlkd.fairseq_fixes.checkpoints import (
    check_checkpoints,
    copy_whole_files,
    go_on_from_whole_checkpoint,
    load_weights_only,
    name_misfits,
    name_other_schedules,
    restore_tasks,
    save_float32_parameters,
)
from fairseq_mlkd.fairseq_fixes.command_line import (
    choose_options_of_our_tasks,
    print_user_errors,
    run_bf16_without_tpu,
    show_options_of_components,
)
from fairseq_mlkd.fairseq_fixes.runs import (
    end_at_max_update,
    end_workers_of_past_iterators,
    log_each_line_once,
    quiet_older_interfaces,
    refuse_what_is_not_there,
    say_that_training_diverged,
    unscale_once,
)


def apply_all() -> None:
    """Mend fairseq in this process; the package does so when it is imported."""
    load_weights_only()
    check_checkpoints()
    name_misfits()
    go_on_from_whole_checkpoint()
    copy_whole_files()
    restore_tasks()
    name_other_schedules()
    save_float32_parameters()
    run_bf16_without_tpu()
    choose_options_of_our_tasks()
    show_options_of_components()
    refuse_what_is_not_there()
    end_at_max_update()
    say_that_training_diverged()
    end_workers_of_past_iterators()
    log_each_line_once()
    quiet_older_interfaces()
    unscale_once()
    print_user_errors()

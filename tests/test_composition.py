"""What tests put in hydra's place composes what hydra does."""

from unittest import mock

import composition
import pytest
from fairseq import options
from fairseq.dataclass import utils
from laws import TASKS
from omegaconf import OmegaConf
from tiny import flags_of, schedule

FOLDER = "a b={c}, [d]"
TRAINING = [
    [*flags_of(task, teacher=teacher), *schedule("e", *more)]
    for task, teacher, more in (
        (TASKS[0], None, ["--lr", "0.1,0.01"]),
        (TASKS[0], "f.pt", ["--adam-betas", "(0.8, 0.9)", "--seed", 7]),
        (TASKS[0], None, []),  # nothing is left of those before
        *((task, "f.pt", []) for task in TASKS[1:]),
    )
]
EVALUATION = ["--task", TASKS[1], "--path", "g.pt", "--batch-size", 7]


@pytest.mark.parametrize(
    "parser, commands",
    [
        (options.get_training_parser, TRAINING),
        (options.get_validation_parser, [EVALUATION]),
        (options.get_generation_parser, [EVALUATION]),
        (options.get_interactive_generation_parser, [EVALUATION]),
    ],
)
def test_every_command_has_the_configuration_that_hydra_makes(parser, commands):
    for flags in commands:
        args = options.parse_args_and_arch(parser(), [FOLDER, *map(str, flags)])
        assert utils.compose is composition.compose
        found = OmegaConf.to_yaml(utils.convert_namespace_to_omegaconf(args))
        with mock.patch.multiple(utils, **composition.hydra):
            expected = OmegaConf.to_yaml(utils.convert_namespace_to_omegaconf(args))
        assert found == expected and FOLDER in expected

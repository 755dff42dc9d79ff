"""Commands of the documents in miniature: other sizes, and then they really run.

    python tests/miniature.py SOCKET                       what runs them
    python tests/miniature.py SOCKET NAME ARGUMENTS...     asks it to run one

A flag of `SMALLER` gets that value where it is given; what is in `ALWAYS` comes before
what is given. So a line fails here as it would fail for a reader, but sooner: each
command is a fork of a process that has imported fairseq and torch, and not yet this
package.
"""

import json
import os
import runpy
import shlex
import signal
import socket
import sys
from pathlib import Path

SMALLER = {
    "--batch-size": "8",
    "--codes": "300",
    "--encoder-embed-dim": "48",
    "--encoder-ffn-embed-dim": "64",
    "--embedding-rank": "12",
    "--last": "2",
    "--save-interval-updates": "1",
    "--max-update": "3",
    "--sentences": "400",
    "--shards": "2",
    "--total-num-update": "3",
    "--warmup-updates": "1",
}
# of a study, and of its tasks, which have numbers of their own
_FEW = json.dumps(
    {
        "optimization.max_update": 3,
        "dataset.batch_size": 8,
        "lr_scheduler.warmup_updates": 1,
        "checkpoint.save_interval_updates": 1,
        "model.encoder_embed_dim": 48,
        "model.encoder_ffn_embed_dim": 64,
    }
)
_TASKS = ", ".join(f"{task}: {{set: {_FEW}}}" for task in ("xnli", "pawsx", "wikiann"))
ALWAYS = {
    "fairseq-train": "--max-update 3",
    "fairseq-hydra-train": "optimization.max_update=3 lr_scheduler.warmup_updates=1"
    " dataset.batch_size=8",
    "mlkd-corpus": "--valid 20 --workers 1",
    # that of an untrained model, on a dozen rows; tests/cli has what is refused
    "mlkd-export": "--tolerance 100",
    "mlkd-latency": "--seconds 0.05",
    "snakemake": f"--config seeds=[1] 'set={_FEW}' 'pretraining={_FEW}'"
    f" 'tasks={{{_TASKS}}}'"
    " 'models={encoder: {import: downloads/multilingual-e5-small}}'",
}
# They end, or start others, as processes of their own.
APART = {"mlkd-serve": "fairseq_mlkd mlkd-serve", "snakemake": "snakemake"}
# Architectures whose width is of the paper: depth and heads stay.
WIDE = ("mbert", "mbert8", "mbert8_large", "lean_bert")
NARROW = "--encoder-embed-dim 48 --encoder-ffn-embed-dim 64"


def shrink(name: str, arguments: list[str]) -> list[str]:
    """Return the arguments with smaller sizes."""
    always = shlex.split(ALWAYS.get(name, ""))
    if name == "fairseq-train" and set(arguments).intersection(WIDE):
        always += shlex.split(NARROW)
    before = ["", *arguments]
    given = [SMALLER.get(flag, argument) for flag, argument in zip(before, arguments)]
    # hydra reads overrides after its flags only, and the last one of a field
    return [*given, *always] if "hydra" in name else [*always, *given]


def run(name: str, arguments: list[str]) -> None:
    """Run a command as its own process would."""
    sys.path.insert(0, os.getcwd())
    if name == "python":
        script, *arguments = arguments
        sys.argv = [script, *shrink(Path(script).name, arguments)]
        if script == "-":
            exec(compile(sys.stdin.read(), "block", "exec"), {"__name__": "__main__"})
        elif script == "-c":
            exec(arguments[0], {"__name__": "__main__"})
        else:
            sys.path.insert(0, str(Path(script).parent))
            runpy.run_path(script, run_name="__main__")
        return
    sys.argv = [name, *shrink(name, arguments)]
    if name.startswith("fairseq-"):
        script = Path(sys.executable).with_name(name)
        runpy.run_path(str(script), run_name="__main__")
    else:
        from fairseq_mlkd.__main__ import main

        main(sys.argv)


def serve(path: str) -> None:
    """Answer each connection by a fork that runs its command."""
    import fairseq_cli.hydra_train
    import fairseq_cli.train  # noqa: F401
    import transformers  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        while True:
            client, _ = server.accept()
            if os.fork() == 0:
                _answer(client)
            client.close()


def _answer(client: socket.socket) -> None:
    """Run one command with the files, folder and environment of the one who asks."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, files, _, _ = socket.recv_fds(client, 1 << 20, 3)
    asked = json.loads(message)
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["folder"])
    status = 1
    try:
        run(*asked["command"])
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        client.sendall(bytes([status]))
        os._exit(status)


def ask(path: str, name: str, arguments: list[str]) -> int:
    """Have a command run, and return its status."""
    asked = {"env": dict(os.environ), "folder": os.getcwd()}
    message = json.dumps({**asked, "command": [name, arguments]}).encode()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        socket.send_fds(client, [message], [0, 1, 2])
        return (client.recv(1) or b"\1")[0]


def main() -> None:
    """Do as the head of this file says."""
    path, *command = sys.argv[1:]
    if not command:
        return serve(path)
    name, *arguments = command
    if name in APART:
        module = [sys.executable, "-m", *APART[name].split()]
        os.execv(sys.executable, [*module, *shrink(name, arguments)])
    sys.exit(ask(path, name, arguments))


if __name__ == "__main__":
    main()

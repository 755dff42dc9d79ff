"""Run one step of a study so that it can be killed, repeated and changed.

    step.py DONE PRODUCT --log LOG --settings WORD [--from FILE ...] -- COMMAND ...

If an earlier run of the step is still going, as after `kill -9` of the engine, it is
waited for. What the step left before is kept, so that a training goes on from its last
checkpoint, unless that was made from other settings or files. DONE then says, by
a digest of PRODUCT, what was made: what depends on it runs again if that changes, not
if a file is newer. A step that was done is not done again unless PRODUCT has changed.
"""

import argparse
import fcntl
import hashlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FAILED = Path("log") / "failed"


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    split = argv.index("--")
    args, command = parse(argv[:split]), argv[split + 1 :]
    args.done.parent.mkdir(parents=True, exist_ok=True)
    args.log.parent.mkdir(parents=True, exist_ok=True)
    with open(args.done.with_name(args.done.name + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        goes_on = keep_or_remove(args)
        made = args.done.with_name(args.done.name + ".made")
        if goes_on and made.is_file() and made.read_text() == digest(args.product):
            shutil.copyfile(made, args.done)
            return 0
        # what an attempt that failed said stays, above what the next one says
        with open(args.log, "a" if goes_on else "w") as log:
            print(shlex.join(command), file=log, flush=True)
            code = subprocess.call(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                pass_fds=[lock.fileno()],
            )
        if code == 0:
            made.write_text(digest(args.product))
            shutil.copyfile(made, args.done)
        else:
            report_failure(args)
    return code


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("done", type=Path, help="file to write at the end")
    add("product", type=Path, help="file or folder that the command writes")
    add("--log", type=Path, required=True, help="its output")
    add("--settings", required=True, help="a word that changes with them")
    add("--from", dest="sources", type=Path, nargs="*", default=[])
    add("--fresh", action="store_true", help="never go on, always begin anew")
    add("--remove", type=Path, nargs="*", default=[], help="with the product, then")
    return parser.parse_args(argv)


def keep_or_remove(args: argparse.Namespace) -> bool:
    """Remove what was made from something else; note what is used now.

    Returns:
        Whether the step goes on from what there is.
    """
    note = args.done.with_name(args.done.name + ".from")
    now = "".join([args.settings, "\n", *(f.read_text() for f in args.sources)])
    if not args.fresh and note.is_file() and note.read_text() == now:
        return True
    for path in (args.product, *args.remove):
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
    note.write_text(now)
    return False


def digest(product: Path) -> str:
    """Return the sha256 of a file, or of all files in a folder, and a newline."""
    files = [product] if product.is_file() else sorted(product.rglob("*"))
    total = hashlib.sha256()
    for path in files:
        if path.is_file():
            total.update(str(path.relative_to(product)).encode())
            with open(path, "rb") as stream:
                while block := stream.read(1 << 20):
                    total.update(block)
    return total.hexdigest() + "\n"


def report_failure(args: argparse.Namespace) -> None:
    """Say which step failed, and with what last word."""
    lines = args.log.read_text(errors="replace").strip().splitlines()
    message = f"{args.done.relative_to('done')} failed (see {args.log}): {lines[-1]}"
    print(message, file=sys.stderr, flush=True)
    with open(FAILED, "a") as file:
        print(message, file=file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Fuzz the decoders: `python -m tests.fuzz --seconds 60 --seed 1`, or one of them with `--target`.

Prints one line for each target, and for each finding the line that reads its input again.
"""

import argparse
import base64
import dataclasses
import json
import sys

from .engine import check_memory, execute, fuzz
from .targets import TARGETS


def main() -> int:
    """Run; return 1 if something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long, over all targets")
    parser.add_argument("--executions", type=int, default=0, help="or how many inputs for each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=sorted(TARGETS), action="append", help="all, if not given")
    parser.add_argument("--input", help="read this one input (base64) and nothing else")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chosen = [TARGETS[name] for name in options.target or sorted(TARGETS)]
    if options.input is not None:
        data = base64.urlsafe_b64decode(options.input)
        for target in chosen:
            refused = execute(target, data)
            print(f"{target.name}: {'refused' if refused else 'read'}, {check_memory(target, data)} bytes")
        return 0
    seconds = 0 if options.executions else options.seconds
    tallies = fuzz(chosen, seed=options.seed, seconds=seconds, executions=options.executions)
    if options.json:
        print(json.dumps([dataclasses.asdict(tally) for tally in tallies], indent=1))
    else:
        print(
            f"{'target':<14}{'inputs':>9}{'read':>9}{'refused':>9}{'corpus':>8}{'edges':>7}{'max ms':>9}{'max kB':>9}"
        )
        for tally in tallies:
            print(
                f"{tally.target:<14}{tally.executions:>9}{tally.accepted:>9}{tally.refused:>9}{tally.corpus:>8}"
                f"{tally.edges:>7}{tally.slowest_ms:>9.1f}{tally.peak_bytes / 1000:>9.0f}"
            )
        total = sum(tally.executions for tally in tallies)
        found = sum(len(tally.findings) for tally in tallies)
        print(f"{total} inputs, {found} findings, seed {options.seed}")
        for tally in tallies:
            for finding in tally.findings:
                print(f"\n{tally.target}: {finding}")
    return 1 if any(tally.findings for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())

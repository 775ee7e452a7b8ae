"""Run the crash loop: `python -m tests.crash --rounds 200 --seed 1`."""

import argparse
import random
import sys

from tests.crash.driver import run


def main() -> int:
    """Run once and say how to run the same plan again."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    try:
        outcome = run(options.rounds, seed)
    except BaseException:
        print(f"replay: python -m tests.crash --rounds {options.rounds} --seed {seed}", file=sys.stderr)
        raise
    print(
        f"{outcome.rounds} rounds in {outcome.seconds:.1f} s (seed {seed}): {outcome.edits} edits acknowledged, "
        f"{outcome.marks} documents marked, {outcome.numbers} numbered; kills: {dict(outcome.kills)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

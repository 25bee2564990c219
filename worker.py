"""The worker's entry: an RQ worker inside the application.

    python -m worker [words] [merges] [letters] [transcripts] [leisure]

Serves the lines that are named, else all of them.
"""

import sys

from qualz.worker import give_way, run

if __name__ == "__main__":
    give_way(sys.argv[1:])
    run(names=sys.argv[1:])

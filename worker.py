"""The worker's entry: an RQ worker inside the application.

    python -m worker [words] [merges] [letters] [transcripts] [leisure]

Serves the lines that are named, else all of them.
"""

import sys

from qualz.worker import run

if __name__ == "__main__":
    run(names=sys.argv[1:])

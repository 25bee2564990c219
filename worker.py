"""The worker's entry: an RQ worker inside the application."""

from qualz.worker import run

if __name__ == "__main__":
    run()

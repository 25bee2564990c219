"""What `qualz run` starts, watches and ends: Redis, the web server, the worker and the sweep."""

from qualz.processes.supervisor import run

__all__ = ["run"]

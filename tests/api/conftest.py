"""What another program reads is made by the same people as in the workplace."""

from tests.dashboard.conftest import adas, client, finish, record, strangers

__all__ = ["adas", "client", "finish", "record", "strangers"]

"""A store that speaks S3, as tests and benchmarks stand on one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from qualz.settings import Settings

# Who asks it; it lets everybody in.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "anybody",
    "AWS_SECRET_ACCESS_KEY": "anything",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@dataclass
class Bucket:
    endpoint: str
    name: str = field(default_factory=lambda: f"bucket-{secrets.token_hex(6)}")
    prefix: str = "qualz/"

    def __post_init__(self) -> None:
        self.client: Any = boto3.client("s3", endpoint_url=self.endpoint)
        self.client.create_bucket(Bucket=self.name)

    @property
    def names(self) -> list[str]:
        """What lies in it, by the names of storage."""
        listed = self.client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return sorted(entry["Key"].removeprefix(self.prefix) for entry in listed)

    def read(self, name: str) -> bytes:
        found = self.client.get_object(Bucket=self.name, Key=f"{self.prefix}{name}")
        data: bytes = found["Body"].read()
        return data

    def of(self, settings: Settings) -> Settings:
        return replace(
            settings, s3_bucket=self.name, s3_endpoint=self.endpoint, s3_prefix=self.prefix
        )

    @property
    def environment(self) -> dict[str, str]:
        named = {"BUCKET": self.name, "ENDPOINT": self.endpoint, "PREFIX": self.prefix}
        return CREDENTIALS | {f"QUALZ_S3_{name}": value for name, value in named.items()}


@contextmanager
def store() -> Iterator[str]:
    """Answers its address."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()

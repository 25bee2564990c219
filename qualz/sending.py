"""How a file of the storage goes out: by this server, or by the proxy in front once this server has
decided who may have it.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from flask import Response, current_app, request
from werkzeug.utils import send_file

from qualz.errors import NotFound
from qualz.media.storage import Storage, UnsafeName
from qualz.settings import Settings

X_ACCEL, X_SENDFILE = "x-accel", "x-sendfile"


def send(
    name: str, mime_type: str | None, *, max_age: int = 0, download_name: str | None = None
) -> Response:
    """The file, whole or by ranges; what it may do in a browser is up to the caller.

    Raises `NotFound`.
    """
    storage: Storage = current_app.extensions["storage"]
    settings: Settings = current_app.extensions["settings"]
    try:
        path = storage.here(name)
        # A proxy would tell of a missing file in its own words, without a page.
        if not path.is_file():
            raise FileNotFoundError(name)
        response = send_file(
            path,
            request.environ,
            mimetype=mime_type,
            as_attachment=download_name is not None,
            download_name=download_name,
            conditional=settings.sendfile is None,
            max_age=max_age,
            use_x_sendfile=settings.sendfile is not None,
            response_class=current_app.response_class,
        )
    except (FileNotFoundError, UnsafeName) as cause:
        raise NotFound("The file is not in this server's storage any more.") from cause
    assert isinstance(response, Response)  # nosec B101 # tells the type checker what is so
    if settings.sendfile:
        _leave_to_proxy(response, settings.sendfile, path.relative_to(storage.root))
    return response


def _leave_to_proxy(response: Response, how: str, name: Path) -> None:
    """The bytes, their number and their ranges are the proxy's."""
    response.headers.remove("Content-Length")
    kind, _, prefix = how.partition(":")
    if kind == X_ACCEL:
        response.headers.remove("X-Sendfile")
        response.headers["X-Accel-Redirect"] = f"{prefix}/{quote(name.as_posix())}"

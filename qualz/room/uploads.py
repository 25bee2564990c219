"""What holds for every request of tus: its version, its method, and how it is refused."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from qualz.errors import InterviewWithdrawn
from qualz.media.storage import OffsetMismatch
from qualz.room.quotas import QuotaReached
from qualz.room.tus import CHECKSUMS, EXTENSIONS, VERSION, BrokenOff
from qualz.settings import Settings

uploads = Blueprint("uploads", __name__, url_prefix="/room/<public_id>/parts")


@uploads.before_request
def _heed_override() -> None:
    """tus: what this header says is the request's method, whatever its actual one."""
    method = request.headers.get("X-HTTP-Method-Override", "").strip().upper()
    if method and method != request.method:
        routes = current_app.create_url_adapter(request)
        assert routes  # nosec B101 # tells the type checker what is so
        rule, named = routes.match(method=method, return_rule=True)
        request.method, request.url_rule, request.view_args = method, rule, dict(named)


@uploads.before_request
def _demand_version() -> ResponseReturnValue | None:
    speaks_tus = request.headers.get("Tus-Resumable") == VERSION
    if speaks_tus or request.method == "OPTIONS" or request.endpoint == "uploads.close":
        return None
    return jsonify(error="Version", message=f"This server speaks tus {VERSION}."), 412


@uploads.errorhandler(OffsetMismatch)
def _tell_offset(error: OffsetMismatch) -> ResponseReturnValue:
    text = "Continue from the offset that is held here."
    return jsonify(error="OffsetMismatch", message=text), 409, {"Upload-Offset": str(error.size)}


@uploads.errorhandler(BrokenOff)
def _tell_where_it_broke_off(error: BrokenOff) -> ResponseReturnValue:
    told = jsonify(error="BrokenOff", message=str(error))
    return told, error.status, {"Upload-Offset": str(error.durable)}


@uploads.errorhandler(QuotaReached)
def _tell_of_quota(error: QuotaReached) -> ResponseReturnValue:
    """By a header as well, for a proxy says 413 too, of what is too large at once."""
    told = jsonify(error=type(error).__name__, message=str(error))
    return told, error.status, {"Upload-Quota": error.quota}


@uploads.errorhandler(InterviewWithdrawn)
def _tell_of_withdrawal(error: InterviewWithdrawn) -> ResponseReturnValue:
    """Whoever holds bytes of it learns that they are not wanted, also where there is no body."""
    told = jsonify(error=type(error).__name__, message=str(error))
    return told, error.status, {"Interview-Withdrawn": "yes"}


@uploads.after_request
def _set_version(response: Response) -> Response:
    response.headers["Tus-Resumable"] = VERSION
    response.headers["Tus-Version"] = VERSION
    response.headers["Cache-Control"] = "no-store"
    return response


@uploads.route("", methods=["OPTIONS"])
@uploads.route("/<upload>", methods=["OPTIONS"])
def options(public_id: str, upload: str = "") -> Response:
    settings: Settings = current_app.extensions["settings"]
    return Response(
        status=204,
        headers={
            "Tus-Extension": ",".join(EXTENSIONS),
            "Tus-Max-Size": str(settings.largest_part),
            "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
        },
    )


@uploads.post("/<upload>")
def nothing_else(public_id: str, upload: str) -> ResponseReturnValue:
    """Only there for `X-HTTP-Method-Override`, which leads elsewhere."""
    text = "Send PATCH, HEAD or DELETE, or name one of them in X-HTTP-Method-Override."
    return jsonify(error="MethodNotAllowed", message=text), 405, {"Allow": "HEAD, PATCH, DELETE"}

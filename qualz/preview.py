"""Previews: a key with which a researcher opens their own study's link to try it.

Whoever has it begins an interview that is kept out of all results, and in a draft one at all.
"""

from __future__ import annotations

from flask import current_app, url_for
from itsdangerous import BadData, URLSafeTimedSerializer

from qualz.study import Study

VALID_FOR = 24 * 3600


def address_of(study: Study) -> str:
    """Where a study can be tried, for a day."""
    key = _serializer().dumps(study.public_id)
    return url_for("room.welcome", token=study.invitation.token, preview=key)


def is_for(study: Study, key: str) -> bool:
    try:
        return bool(_serializer().loads(key, max_age=VALID_FOR) == study.public_id)
    except BadData:
        return False


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        current_app.extensions["settings"].signing_keys, salt="qualz.preview"
    )

"""The domain's own words for what cannot be done. `pages.py` turns them into answers."""

from __future__ import annotations


class QualzError(Exception):
    """Base of everything the domain refuses; the message says what to do next."""

    status = 400


class NotFound(QualzError):
    status = 404


class ElsewhereInRoom(QualzError):
    """Another tab or device holds the interview's one live place."""

    status = 409


class InterviewEnded(QualzError):
    status = 410


class LinkUnusable(QualzError):
    """A resume link that expired, was revoked, or never was."""

    status = 410


class StudyClosed(QualzError):
    status = 403


class CameraNotAllowed(QualzError):
    """A picture was sent in a study whose camera is disabled."""

    status = 415


class PartClosed(QualzError):
    status = 410

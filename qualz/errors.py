"""The domain's own words for what cannot be done. `pages.py` turns them into answers."""

from __future__ import annotations

from qualz.wording import told


class QualzError(Exception):
    """Base of everything the domain refuses; the message says what to do next."""

    status = 400


class NotFound(QualzError):
    status = 404


class NotAllowed(QualzError):
    """Who is signed in may not do that; the message says who can."""

    status = 403


class LastOwner(QualzError):
    """Nobody would own the workspace any more."""

    status = 409


class NotUnderstood(QualzError):
    """Another program asked for something in words that are none of ours."""


class TokenRefused(QualzError):
    """Another program showed no token, or one that opens nothing (any more)."""

    status = 401


class IdentityRefused(QualzError):
    """Whom a provider names has no account here, or not that one."""

    status = 403


class TooManyTries(QualzError):
    """Something was tried too often; `retry_after` is in seconds."""

    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NoSuchForm(QualzError):
    """A download that this Full Session cannot be had as."""

    status = 409


class NothingToExport(QualzError):
    """Of no interview, or nothing of them."""

    status = 422


class NothingChosen(QualzError):
    """None of the interviews that were chosen, or not as many, are there."""

    status = 422


class CannotCorrect(QualzError):
    """What was said by the moderator, or not at all."""

    status = 409


class ChangedMeanwhile(QualzError):
    """Somebody else has changed the same thing since it was looked at."""

    status = 409


class NothingWritten(QualzError):
    """A comment without a word."""

    status = 422


class TagRefused(QualzError):
    """A name that another tag has, none at all, or one tag too many."""

    status = 409


class ElsewhereInRoom(QualzError):
    """Another tab or device holds the interview's one live place."""

    status = 409


class InterviewEnded(QualzError):
    status = 410


class InterviewWithdrawn(QualzError):
    """Its participant has taken it back: nothing of it is there, and nothing is taken."""

    status = 410

    def __init__(self, receipt: str, language: str) -> None:
        super().__init__(told("What was said in this interview has been deleted, as you asked."))
        self.receipt = receipt
        self.language = language


class LinkUnusable(QualzError):
    """A resume link that expired, was revoked, or never was."""

    status = 410


class StudyClosed(QualzError):
    """The door of a study is shut; `heading` says in a word or two what the message explains."""

    status = 403

    def __init__(self, message: str, *, heading: str) -> None:
        super().__init__(message)
        self.heading = heading


class WrongState(QualzError):
    """A study cannot become that from what it is."""

    status = 409


class CameraNotAllowed(QualzError):
    """A picture was sent in an interview without a camera: the study has none, or the participant
    did not agree to it."""

    status = 415


class NotARecording(QualzError):
    """Bytes that no browser's recorder made. Nothing of them is kept."""

    status = 415


class Elsewhere(QualzError):
    """What it goes on from lies on another machine; `retry_after` is in seconds."""

    status = 503
    retry_after = 2


class PartClosed(QualzError):
    status = 410


class CannotKeepSo(QualzError):
    """A rule for how long interviews are kept that cannot be held."""

    status = 422

"""Letters: what a researcher is told by e-mail about their own account.

The link of a password reset is made when its letter is sent, so neither the database nor the queue
ever holds it.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import background, clock
from qualz.database import db, delete_old, word
from qualz.password_reset import PasswordReset
from qualz.post_office import PostOffice
from qualz.posted import Posted
from qualz.researcher import Researcher

# Who asked for a link an hour ago has asked for another since, or has remembered.
RESET_WITHIN = timedelta(hours=1)
KEPT = timedelta(days=30)
NOT_YOU = (
    "If that was not you, somebody else can get into your account: set a new password at "
    "{address}/forgotten-password and tell whoever runs the server."
)


class Letter(Posted):
    __tablename__ = "letters"

    class Kind(StrEnum):
        PASSWORD_RESET = "password-reset"  # nosec B105 # a word, no password
        PASSWORD_CHANGED = "password-changed"  # nosec B105 # a word, no password
        SECOND_STEP_ON = "second-step-on"
        SECOND_STEP_OFF = "second-step-off"
        RECOVERED = "recovered"
        PROVIDER_CONNECTED = "provider-connected"

    kind: Mapped[Kind] = mapped_column(word(Kind))
    # Nobody, where an address was typed in that nobody has: that takes as long, and sends nothing.
    researcher_id: Mapped[int | None] = mapped_column(
        ForeignKey("researchers.id", ondelete="CASCADE")
    )

    researcher: Mapped[Researcher | None] = relationship()

    @classmethod
    def write(cls, kind: Letter.Kind, to: Researcher | None) -> None:
        """The caller commits, and a worker sends it."""
        letter = cls(kind=kind, researcher_id=to.id if to else None)
        db.session.add(letter)
        db.session.flush()
        background.later("letter", letter.id)

    @classmethod
    def write_reset(cls, email: str) -> None:
        """To whoever has that address; the same is done where nobody has."""
        found = db.session.scalar(select(Researcher).where(Researcher.email == email))
        cls.write(cls.Kind.PASSWORD_RESET, found)

    def run(self, *, post: PostOffice | None, address: str) -> None:
        """Send it. `address`: where people reach this server. Commits."""
        is_reset = self.kind is Letter.Kind.PASSWORD_RESET
        if self.researcher is None:
            self._end(Letter.State.DONE, reason="Nobody has that address.")
        elif post is None or self.has_been_tried_enough:
            self._end(Letter.State.FAILED, reason=self.reason or "No mail server is set up.")
        elif is_reset and clock.now() - self.created_at > RESET_WITHIN:
            self._end(Letter.State.FAILED, reason="It could not be sent within the hour.")
        else:
            self._send(self.researcher, post, address)
        db.session.commit()

    def _send(self, to: Researcher, post: PostOffice, address: str) -> None:
        subject, text = self._words(to, address)
        self._post(post, to.email, subject, text)

    def _words(self, to: Researcher, address: str) -> tuple[str, str]:
        hello, not_you = f"Hello {to.name},\n\n", NOT_YOU.format(address=address)
        match self.kind:
            case Letter.Kind.PASSWORD_RESET:
                link = f"{address}/password-resets/{PasswordReset.begin(to)}"
                return (
                    "Set a new password for Qualz",
                    f"{hello}by this link you set a new password. It works once, within an "
                    f"hour:\n\n{link}\n\nIf you did not ask for it, leave it be: nothing has "
                    "changed.\n",
                )
            case Letter.Kind.PASSWORD_CHANGED:
                subject = "Your password for Qualz was changed"
                told = "your password was changed. All other browsers are signed out."
            case Letter.Kind.SECOND_STEP_ON:
                subject = "Signing in to Qualz now takes a code as well"
                told = "from now on signing in asks for a code from your authenticator app."
            case Letter.Kind.SECOND_STEP_OFF:
                subject = "Signing in to Qualz takes no code any more"
                told = "signing in asks for your password alone from now on."
            case Letter.Kind.RECOVERED:
                subject = "A recovery code was used to sign in to Qualz"
                told = "somebody signed in to your account with one of your recovery codes."
            case Letter.Kind.PROVIDER_CONNECTED:
                subject = "Your Qualz account can be signed in to by your organisation's account"
                told = "from now on your account can be signed in to by your organisation's."
        return subject, f"{hello}{told}\n\n{not_you}\n"

    @classmethod
    def clear_old(cls) -> None:
        over = cls.state.in_([cls.State.DONE, cls.State.FAILED])
        delete_old(cls, over & (cls.created_at < clock.now() - KEPT))

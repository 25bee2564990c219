"""Work that sends an e-mail."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from qualz.database import PublicId, db
from qualz.post_office import PostOffice, Unreachable, Unsent
from qualz.retried import Retried


class Posted(Retried):
    """`public_id` is in the e-mail's own id, so that one sent twice is known again."""

    __abstract__ = True

    public_id: Mapped[PublicId]

    def _post(self, post: PostOffice, to: str, subject: str, text: str) -> None:
        """Send it; later where that fails. The caller commits."""
        name = self.public_id
        # No connection of the database waits for a mail server.
        db.session.commit()
        try:
            post.send(to=to, subject=subject, text=text, name=name)
        except Unsent as cause:
            self._try_later(str(cause))
            if isinstance(cause, Unreachable):
                self._let_others_wait()
        else:
            self._end(Posted.State.DONE)

"""Deliveries: one happening on its way to one webhook, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import ForeignKey, Index, String, Text, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz import clock, webhook
from qualz.courier import Courier, Forbidden, Undelivered
from qualz.database import PublicId, db, new_public_id, rows_changed
from qualz.errors import NotFound, WrongState
from qualz.happening import Happening
from qualz.retried import Retried
from qualz.vault import Vault
from qualz.webhook import Webhook

KEPT = timedelta(days=30)
MOST_SHOWN = 50
GONE = 410
TOO_MANY = 429
TEST = "test"
ENDED = "The receiver had answered 410 Gone, so nothing more was sent."


class Delivery(Retried):
    """`body` is written once: what is sent again is the same, to the byte and by its name."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_webhook", "webhook_id", "id"),)

    public_id: Mapped[PublicId]
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    # None where somebody tries the webhook.
    happening_id: Mapped[int | None] = mapped_column(
        ForeignKey("happenings.id", ondelete="CASCADE"), index=True
    )
    type: Mapped[str] = mapped_column(String(32))
    body: Mapped[str] = mapped_column(Text)
    # What the receiver last answered, and after how many milliseconds.
    code: Mapped[int | None]
    latency_ms: Mapped[int | None]

    webhook: Mapped[Webhook] = relationship()

    @classmethod
    def send(cls, happening: Happening, to: Webhook, address: str) -> None:
        """`address`: where people reach this server. The body holds ids, states and a way to look,
        and no participant's words."""
        interview = happening.interview
        data = {
            "id": happening.public_id,
            "study": interview.study.public_id,
            "interview": interview.public_id,
            "state": interview.state.value,
            "recording": interview.recording.state.value,
            "link": address + happening.path,
        }
        body = _body(happening.kind.value, happening.at, data)
        row = cls(webhook=to, happening_id=happening.id, type=happening.kind.value, body=body)
        db.session.add(row)

    @classmethod
    def test(cls, to: Webhook) -> Self:
        row = cls(
            public_id=new_public_id(), webhook=to, type=TEST, body=_body(TEST, clock.now(), {})
        )
        db.session.add(row)
        db.session.flush()
        return row

    @classmethod
    def newest(cls, of: Webhook) -> Sequence[Self]:
        mine = select(cls).where(cls.webhook_id == of.id)
        return db.session.scalars(mine.order_by(cls.id.desc()).limit(MOST_SHOWN)).all()

    @classmethod
    def of(cls, webhook_: Webhook, public_id: str) -> Self:
        mine = select(cls).where(cls.webhook_id == webhook_.id, cls.public_id == public_id)
        found = db.session.scalar(mine)
        if found is None:
            raise NotFound("This delivery is gone: they are kept for 30 days.")
        return found

    def repeat(self) -> None:
        """Deliver it again, now. Raises `WrongState` while it is at it."""
        over = (Delivery.State.DONE, Delivery.State.FAILED, Delivery.State.WAITING)
        again = update(Delivery).where(Delivery.id == self.id, Delivery.state.in_(over))
        now = clock.now()
        if not rows_changed(
            again.values(state=Delivery.State.WAITING, due_at=now, attempts=0, ended_at=None)
        ):
            raise WrongState("It is being delivered at this moment.")
        db.session.refresh(self)

    def run(self, *, courier: Courier, vault: Vault) -> None:
        """Commits."""
        secret = vault.read(self.webhook.secret_name)
        if self.webhook.ended_at:
            self._end(Delivery.State.FAILED, reason=ENDED)
        elif self.has_been_tried_enough:
            self._end(Delivery.State.FAILED, reason=self.reason)
        elif not secret:
            lost = "Its secret is missing from this server's files. Add the webhook anew."
            self._end(Delivery.State.FAILED, reason=lost)
        else:
            self._post(courier, secret)
        db.session.commit()

    def _post(self, courier: Courier, secret: str) -> None:
        url, body = self.webhook.url, self.body
        sent = webhook.headers(self.public_id, body, secret)
        # No connection of the database waits for somebody else's server.
        db.session.commit()
        try:
            answer = courier.post(url, sent, body.encode())
        except Forbidden as cause:
            self._end(Delivery.State.FAILED, reason=str(cause), code=None, latency_ms=None)
            return
        except Undelivered as cause:
            self._try_later(str(cause), code=None, latency_ms=None)
            self._let_others_wait(Delivery.webhook_id == self.webhook_id)
            return
        told: dict[str, Any] = {"code": answer.code, "latency_ms": round(answer.seconds * 1000)}
        if 200 <= answer.code < 300:
            self._end(Delivery.State.DONE, **told)
        elif answer.code == GONE:
            self._end(Delivery.State.FAILED, reason="It answered 410 Gone.", **told)
            self._end_webhook()
        else:
            self._try_later(f"It answered {answer.code}.", **told)
            if answer.code >= 500 or answer.code == TOO_MANY:
                self._let_others_wait(Delivery.webhook_id == self.webhook_id)

    def _end_webhook(self) -> None:
        """Nothing more is sent where nobody wants it any more."""
        self.webhook.ended_at = clock.now()
        waits = (Delivery.webhook_id == self.webhook_id, Delivery.state == Delivery.State.WAITING)
        ended = {"state": Delivery.State.FAILED, "reason": ENDED, "ended_at": clock.now()}
        rows_changed(update(Delivery).where(*waits).values(**ended))

    @classmethod
    def clear_old(cls) -> None:
        """Looked for first: a DELETE would hold the database even where there is nothing to do."""
        over = cls.state.in_([cls.State.DONE, cls.State.FAILED])
        old = over & (cls.created_at < clock.now() - KEPT)
        oldest = db.session.scalar(select(cls.created_at).order_by(cls.id).limit(1))
        if oldest is not None and oldest < clock.now() - KEPT:
            db.session.execute(delete(cls).where(old))


def _body(type_: str, at: datetime, data: dict[str, str]) -> str:
    told = {"type": type_, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": data}
    return json.dumps(told, separators=(",", ":"))

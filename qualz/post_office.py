"""The post office: a mail server, reached by SMTP over TLS.

`smtps://` speaks TLS from the first byte, `smtp://` insists on STARTTLS. `smtp+plain://` has none
and is for a relay on the same machine.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.charset import QP, Charset
from email.header import Header
from email.mime.text import MIMEText
from email.utils import formataddr, formatdate, parseaddr
from urllib.parse import unquote, urlsplit

from qualz.settings import SMTP_PORTS

# Seconds for each step of the conversation.
PATIENCE = 10.0
READABLE = Charset("utf-8")
READABLE.body_encoding = QP


class Unsent(Exception):
    """The mail server did not take it; the message says why, and nothing of what was sent."""


class Unreachable(Unsent):
    """It did not answer at all, so it takes no other mail either."""


@dataclass(frozen=True)
class PostOffice:
    """Both as `Settings` has found them to be right."""

    url: str = field(repr=False)
    sender: str

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def send(self, *, to: str, subject: str, text: str, name: str) -> None:
        """One message. `name` is its own for ever, so that one sent twice can be told as such."""
        # By the older classes: of the newer ones' long subjects some Pythons lose the blanks.
        message = MIMEText(text, "plain", READABLE)  # type: ignore[arg-type]
        message["From"] = formataddr(parseaddr(self.sender))
        message["To"] = to
        message["Subject"] = Header(" ".join(subject.split()), "utf-8")  # type: ignore[assignment]
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{name}@{parseaddr(self.sender)[1].rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        try:
            with self._connected() as connection:
                self._sign_in(connection)
                connection.send_message(message)
        except smtplib.SMTPAuthenticationError:
            raise Unsent("The mail server refused the name or the password.") from None
        except smtplib.SMTPRecipientsRefused:
            raise Unsent(f"The mail server refused the address {to}.") from None
        except smtplib.SMTPResponseException as cause:
            raise Unsent(f"The mail server refused it with code {cause.smtp_code}.") from None
        except smtplib.SMTPNotSupportedError:
            raise Unsent("The mail server lacks TLS or sign-in, which were asked of it.") from None
        except ssl.SSLError:
            raise Unreachable("The mail server's certificate cannot be trusted.") from None
        except (OSError, smtplib.SMTPException):
            raise Unreachable(f"The mail server {self.host} could not be reached.") from None

    def greet(self) -> None:
        """Sign in and send nothing. Raises `Unsent`."""
        try:
            with self._connected() as connection:
                self._sign_in(connection)
        except smtplib.SMTPAuthenticationError:
            raise Unsent("The mail server refused the name or the password.") from None
        except smtplib.SMTPNotSupportedError:
            raise Unsent("The mail server lacks TLS or sign-in, which were asked of it.") from None
        except (OSError, smtplib.SMTPException):
            raise Unreachable(f"The mail server {self.host} could not be reached.") from None

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """What it took is sent, however it says goodbye: only `smtplib` makes an error of that."""
        connection = self._connection()
        try:
            yield connection
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
        finally:
            connection.close()

    def _connection(self) -> smtplib.SMTP:
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port or SMTP_PORTS[parts.scheme]
        if parts.scheme == "smtps":
            secure = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=secure)
        return smtplib.SMTP(host, port, timeout=PATIENCE)

    def _sign_in(self, connection: smtplib.SMTP) -> None:
        parts = urlsplit(self.url)
        if parts.scheme == "smtp":
            connection.starttls(context=ssl.create_default_context())
        if parts.username:
            connection.login(unquote(parts.username), unquote(parts.password or ""))

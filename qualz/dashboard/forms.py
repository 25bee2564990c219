"""Forms: what may be typed where, and what is said when it does not fit.

Cross-site requests are refused for the whole app by CSRFProtect, so the forms need no token field
of their own; the templates send the token along.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from wtforms import (
    EmailField,
    Form,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Length,
    NumberRange,
    Regexp,
    ValidationError,
)

from qualz.conversation import Probing
from qualz.dashboard.languages import LANGUAGES
from qualz.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD, what_is_wrong
from qualz.study import DEFAULT_CONSENT, Camera, Study
from qualz.voices import Choice, Protocol
from qualz.wording import in_every_language


def stripped(text: str | None) -> str:
    """Without what no database keeps, too."""
    return (text or "").replace("\0", "").strip()


def one_newline(text: str | None) -> str:
    """Browsers send line breaks as CR LF; they are kept as LF."""
    return stripped(text).replace("\r\n", "\n")


def choice(value: str, label: str) -> Any:
    return SelectChoice(value, label)


class WholeNumberField(IntegerField):
    def __init__(self, label: str, *, error: str, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.error = error

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([stripped(value) for value in valuelist])
        except ValueError:
            raise ValueError(self.error) from None


class MinutesField(StringField):
    """Minutes, perhaps with a fraction; empty is allowed. `data` is a number or None."""

    data: float | None  # type: ignore[assignment]

    def __init__(self, label: str, *, error: str, most: float = 240, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.error, self.most = error, most

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else f"{self.data:g}"

    def process_formdata(self, valuelist: list[str]) -> None:
        text = stripped(valuelist[0] if valuelist else "").replace(",", ".")
        self.data = None
        if not text:
            return
        try:
            minutes = float(text)
        except ValueError:
            raise ValueError(self.error) from None
        if not 0 < minutes <= self.most:
            raise ValueError(self.error)
        self.data = minutes


class Summarised(Form):
    @property
    def summary(self) -> list[tuple[str, str]]:
        """Every field that is wrong, by the id to jump to, in the order of the page."""
        return [(_target(field), str(field.errors[0])) for field in self if field.errors]


def _target(field: Any) -> str:
    """A group of radio buttons is not itself focusable; its first button is."""
    return f"{field.id}-0" if isinstance(field, RadioField) else str(field.id)


class SignInForm(Summarised):
    email = EmailField("E-mail address", [DataRequired("Give your e-mail address.")])
    password = PasswordField(
        "Password", [InputRequired("Give your password."), Length(max=LONGEST_PASSWORD)]
    )

    def say_no(self) -> None:
        """The same words whether the address or the password is wrong."""
        self.email.errors = ["That address and password do not go together. Try once more."]


class AccountForm(Summarised):
    name = StringField(
        "Your name",
        [DataRequired("Give your name, as your team knows you."), Length(max=120)],
        filters=[stripped],
    )
    email = EmailField(
        "E-mail address",
        [
            DataRequired("Give the e-mail address that you will sign in with."),
            Regexp(
                r"^[^@\s]+@[^@\s]+$",
                message="Write the whole e-mail address, like name@example.org.",
            ),
            Length(max=254),
        ],
        filters=[stripped],
    )
    password = PasswordField(
        "Password",
        [
            InputRequired("Choose a password."),
            Length(
                min=SHORTEST_PASSWORD,
                message=f"Use at least {SHORTEST_PASSWORD} characters. Four words do well.",
            ),
            Length(max=LONGEST_PASSWORD, message=f"Use at most {LONGEST_PASSWORD} characters."),
        ],
    )

    def validate_password(self, field: PasswordField) -> None:
        about = (self.name.data or "", self.email.data or "")
        if said := what_is_wrong(field.data or "", about=about):
            raise ValidationError(said)

    @property
    def given(self) -> dict[str, str]:
        return {field.name: field.data or "" for field in self}


class StepForm(Summarised):
    """A step of the wizard whose fields are a study's own, by the same names."""

    def save(self, study: Study) -> None:
        self.populate_obj(study)

    def says_the_same_as(self, study: Study) -> bool:
        return all(getattr(study, field.name) == field.data for field in self)


class BasicsForm(StepForm):
    title = StringField(
        "Title",
        [
            DataRequired("Give the study a title. Participants see it."),
            Length(max=200, message="Keep the title within 200 characters."),
        ],
        filters=[stripped],
    )
    objective = TextAreaField(
        "Objective",
        [Length(max=4000, message="Keep the objective within 4,000 characters.")],
        filters=[one_newline],
    )
    language = SelectField(
        "Language", choices=[choice(code, name) for code, name in LANGUAGES.items()]
    )
    consent_text = TextAreaField(
        "Consent text",
        [
            DataRequired("Say what participants agree to. Nobody is recorded without it."),
            Length(max=10_000, message="Keep the consent text within 10,000 characters."),
        ],
        filters=[one_newline],
    )

    @property
    def own_consent_texts(self) -> dict[str, str]:
        """What is proposed, by language: one that nobody has changed follows the language."""
        return in_every_language(DEFAULT_CONSENT)

    def save(self, study: Study) -> None:
        super().save(study)
        study.follow_language()


class ConfigureForm(StepForm):
    camera = RadioField(
        "Participant camera",
        choices=[
            choice(Camera.DISABLED, "Camera disabled"),
            choice(Camera.OFF_BY_DEFAULT, "Camera enabled, off by default"),
            choice(Camera.ON_BY_DEFAULT, "Camera enabled, on by default"),
        ],
        coerce=Camera,
    )
    time_limit_minutes = WholeNumberField(
        "Time limit",
        error="Write the time limit as a whole number of minutes, like 30.",
        validators=[
            InputRequired("Say how many minutes an interview may take."),
            NumberRange(1, 240, "The time limit can be from 1 to 240 minutes."),
        ],
    )
    probing = RadioField(
        "Follow-up questions",
        choices=[
            choice(Probing.ADAPTIVE, "From what was said"),
            choice(Probing.STANDARDISED, "The same for everybody"),
            choice(Probing.NONE, "None"),
        ],
        coerce=Probing,
        default=Probing.ADAPTIVE,
    )
    most_follow_ups = WholeNumberField(
        "Follow-ups in all",
        error="Write a whole number of follow-ups, like 30.",
        validators=[NumberRange(0, 200, "Choose from 0 to 200 follow-ups.")],
        default=30,
    )
    ending_text = TextAreaField(
        "What participants see at the end",
        [
            DataRequired("Write a last word. A thank-you is enough."),
            Length(max=4000, message="Keep the ending within 4,000 characters."),
        ],
        filters=[one_newline],
    )


class ServiceForm(Summarised):
    """Whether a service does the work, and where it is. Without a switch, one whose address is
    given does."""

    url = StringField(
        "Address",
        [Length(max=500, message="Keep the address within 500 characters.")],
        filters=[stripped, lambda text: text.rstrip("/")],
    )
    model = StringField(
        "Model",
        [Length(max=200, message="Keep the model's name within 200 characters.")],
        filters=[stripped],
    )
    key = PasswordField(
        "Key",
        [Length(max=500, message="Keep the key within 500 characters.")],
        filters=[stripped],
    )

    def validate(self, extra_validators: Any = None, *, is_needed: bool | None = None) -> bool:
        """Without a service nothing else is needed; `is_needed` where it is asked at once."""
        super().validate(extra_validators)
        needed = self.wants_service if is_needed is None else is_needed
        if needed or self.url.data:
            self._check_address()
        for field, text in self.indispensable if needed else ():
            if not field.data:
                field.errors = [text]
        return not self.errors

    @property
    def wants_service(self) -> bool:
        return bool(self.url.data)

    @property
    def indispensable(self) -> list[tuple[Any, str]]:
        """The fields without which a service cannot be asked, and what to say of each."""
        return [(self.model, "Give the model's name, as the server knows it.")]

    @property
    def wishes(self) -> dict[str, str]:
        """What else is chosen, to be kept with the service."""
        return {}

    def _check_address(self) -> None:
        try:
            parts = urlsplit(self.url.data or "")
            is_right = parts.scheme in ("http", "https") and bool(parts.hostname)
            is_right = is_right and (self.url.data or "").isprintable()
            is_right = is_right and parts.port != 0
        except ValueError:
            is_right = False
        if not is_right:
            self.url.errors = ["Write the whole address, like http://localhost:11434/v1."]
        elif "@" in parts.netloc or parts.query or parts.fragment:
            self.url.errors = ["Give the address alone; the key has a field of its own."]


class SwitchedForm(ServiceForm):
    """A service that is on or off."""

    is_on: RadioField

    @property
    def wants_service(self) -> bool:
        return bool(self.is_on.data == "yes")


class ModelForm(SwitchedForm):
    """Who moderates, and where the language model is."""

    is_on = RadioField(
        "Who moderates",
        choices=[
            choice("no", "The scripted moderator"),
            choice("yes", "A language model"),
        ],
        default="no",
    )


class ListenerForm(SwitchedForm):
    """Who hears spoken answers, and where the service is."""

    is_on = RadioField(
        "Who hears",
        choices=[choice("no", "This server"), choice("yes", "A service")],
        default="no",
    )


SPEAKERS = [
    choice(Choice.AUTOMATIC, "The best there is"),
    choice(Choice.SERVICE, "A service"),
    choice(Choice.PROGRAM, "A program on this server"),
    choice(Choice.BROWSER, "The participant's browser"),
    choice(Choice.NONE, "Nobody: text alone"),
]
PROTOCOLS = [
    choice(Protocol.OPENAI, "OpenAI-compatible, such as Kokoro"),
    choice(Protocol.PIPER, "Piper"),
]


class VoiceForm(ServiceForm):
    """Who speaks for the moderator, and where the service is."""

    choice = RadioField(
        "Who speaks",
        choices=SPEAKERS,
        coerce=Choice,
        default=Choice.AUTOMATIC,
    )
    protocol = SelectField(
        "Kind of service",
        choices=PROTOCOLS,
        default=Protocol.OPENAI,
    )
    voice = StringField(
        "Voice",
        [Length(max=200, message="Keep the voice's name within 200 characters.")],
        filters=[stripped],
    )

    @property
    def wants_service(self) -> bool:
        is_given = self.choice.data == Choice.AUTOMATIC and super().wants_service
        return is_given or self.choice.data == Choice.SERVICE

    @property
    def indispensable(self) -> list[tuple[Any, str]]:
        if self.protocol.data == Protocol.PIPER:
            return []
        named = (self.voice, "Give the voice's name, as the server knows it.")
        return [*super().indispensable, named]

    @property
    def wishes(self) -> dict[str, str]:
        return {
            "choice": str(self.choice.data),
            "protocol": str(self.protocol.data),
            "voice": self.voice.data or "",
        }

"""What the door says about recording, camera and who hears, in the page's language."""

from __future__ import annotations

from flask_babel import gettext as _

from qualz import consent
from qualz.consent import Statement
from qualz.service import Kind
from qualz.study import Study


def statement_of(study: Study) -> Statement:
    """All that the study asks consent to at the moment."""
    has_camera = study.camera.is_allowed
    hosts = consent.hosts()
    return Statement(
        language=study.language,
        text=study.consent_text,
        recording=_("Your voice is recorded from the moment you start until you finish or leave."),
        camera=_(
            "Your picture is recorded only if you agree to it below, and only while your camera "
            "is switched on."
        )
        if has_camera
        else "",
        providers=_providers(hosts),
        agreement=_("I have read this and I agree to take part and to have my voice recorded"),
        camera_agreement=_("My camera may be recorded too, whenever I switch it on")
        if has_camera
        else "",
        hosts=hosts,
    )


def _providers(hosts: dict[str, str]) -> tuple[str, ...]:
    if not hosts:
        return (_("Your answers are processed on this server only."),)
    said = []
    if host := hosts.get(Kind.HEARING):
        said.append(
            _("The sound of your answers is sent to %(host)s, to be put into words.", host=host)
        )
    if host := hosts.get(Kind.LANGUAGE_MODEL):
        said.append(
            _(
                "The words of your answers are sent to %(host)s, where a language model helps to "
                "choose the next question.",
                host=host,
            )
        )
    if host := hosts.get(Kind.VOICE):
        said.append(
            _(
                "What the moderator says, which may repeat words of yours, is sent to %(host)s, to "
                "be read aloud.",
                host=host,
            )
        )
    return tuple(said)

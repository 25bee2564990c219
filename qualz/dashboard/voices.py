"""The moderator's voice: a service's, a program's of this server, the browser's, or none."""

from __future__ import annotations

import re
import time

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue

from qualz import voices
from qualz.dashboard import dashboard
from qualz.dashboard.forms import VoiceForm
from qualz.dashboard.services import SettingsPage
from qualz.database import db
from qualz.errors import NotFound
from qualz.service import Kind
from qualz.speech import SAMPLES, Speech
from qualz.voices import Choice, Voices

PAGE = SettingsPage(
    kind=Kind.VOICE,
    form=VoiceForm,
    folder="voices",
    name="voice",
    saved="Saved. It holds for whoever enters an interview from now on, if they were told.",
)
SAMPLE = "Thank you for taking part. Could you tell me about the last time that you searched?"


@dashboard.get("/settings/voice")
def voice() -> ResponseReturnValue:
    return PAGE.show()


@dashboard.post("/settings/voice")
def save_voice() -> ResponseReturnValue:
    return PAGE.save()


@dashboard.post("/settings/voice/trials")
def try_voice() -> ResponseReturnValue:
    """Have the voice that is typed in, saved or not, say a sentence."""
    form = VoiceForm(request.form)
    if not form.validate():
        # Its fields stand beside the result; htmx shows only the latter.
        return PAGE.result(form, errors=form.summary)
    choice, url = Choice(form.choice.data), form.url.data or ""
    elsewhere = None
    if url:
        elsewhere = voices.elsewhere(url, form.model.data or "", PAGE.key_of(form), form.wishes)
    of_server: Voices = current_app.extensions["voices"]
    speech: Speech = current_app.extensions["speech"]
    # A voice takes its time, and no connection is to wait for it.
    db.session.commit()
    began = time.monotonic()
    sample = speech.sample(SAMPLE, "en", of_server.chosen(choice, elsewhere, "en"))
    return PAGE.result(
        form,
        sample=sample,
        seconds=time.monotonic() - began,
        is_browsers=sample.name is None and choice is not Choice.NONE,
        sentence=SAMPLE,
    )


@dashboard.get("/settings/voice/samples/<name>")
def voice_sample(name: str) -> ResponseReturnValue:
    path = current_app.extensions["storage"].path(f"{SAMPLES}/{name}")
    if not re.fullmatch(r"[0-9a-f]{32}\.ogg", name) or not path.is_file():
        raise NotFound("This sample is gone. Test once more.")
    return Response(path.read_bytes(), mimetype="audio/ogg")


@dashboard.app_template_global()
def own_voices() -> list[str]:
    """What speaks on this server."""
    names: list[str] = current_app.extensions["voices"].programs
    return names

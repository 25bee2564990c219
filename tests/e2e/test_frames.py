"""An interview inside another site's page, in a real browser with its rules about cookies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Frame, expect

from qualz.database import db
from qualz.study import Study
from tests.e2e.actors import Participant
from tests.e2e.conftest import inside, open_study
from tests.e2e.server import Server

ALLOW = 'allow="microphone; autoplay; screen-wake-lock"'


class Site:
    """Another site: browsers hold 127.0.0.1 and localhost for two."""

    def __init__(self) -> None:
        site = self
        self.body = ""

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                icon = '<link rel="icon" href="data:,">'
                self.wfile.write(f"<!doctype html><title>Site</title>{icon}{site.body}".encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def embeds(self, address: str, how: str = ALLOW) -> None:
        size = "width:100%;height:46rem"
        self.body = f'<iframe name="room" src="{escape(address)}" {how} style="{size}"></iframe>'

    def stops(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.stops()


def lets_be_framed(server: Server, link: str, origin: str) -> None:
    with inside(server):
        token = link.rpartition("/")[2]
        study = next(one for one in db.session.query(Study) if one.invitation.token == token)
        study.embedders = [origin]
        db.session.commit()


def framed(participant: Participant, site: Site) -> Frame:
    participant.page.goto(site.origin)
    frame = participant.page.locator("iframe").element_handle().content_frame()
    assert frame
    return frame


def agrees(frame: Frame) -> None:
    frame.get_by_label("I have read this and I agree to take part").check()
    frame.get_by_role("button", name="Continue").click()


def test_an_interview_is_held_in_a_frame_and_found_again_there(
    new_participant: Callable[[], Participant], server: Server, site: Site
):
    link = open_study(server, ["What happened?"])
    participant = new_participant()
    site.embeds(server.url + link)
    frame = framed(participant, site)
    # Until the study names the site the browser shows nothing of it there.
    expect(frame.get_by_text("You are invited")).not_to_be_visible()
    participant.complaints.clear()
    lets_be_framed(server, link, site.origin)
    frame = framed(participant, site)
    expect(frame.get_by_role("link", name="Open the interview in a tab of its own")).to_be_visible()
    agrees(frame)
    frame.get_by_role("button", name="Start the interview").click()
    expect(frame.locator("interview-room")).to_have_attribute("data-state", "live")
    expect(frame.get_by_text("What happened?")).to_be_visible()
    room = frame.url.rpartition("/")[2]
    frame.wait_for_function(
        '() => Number(document.querySelector("upload-status").dataset.safeBytes) > 5000'
    )
    frame = framed(participant, site)
    frame.get_by_role("link", name="Go on where you left off").click()
    frame.wait_for_url(f"**/room/{room}")
    cookies = {one["name"]: one for one in participant.context.cookies(server.url)}
    assert cookies[f"qualz_room_{room}"]["sameSite"] == "None"
    assert [one for one in participant.complaints if "autofocus" not in one] == []
    participant.complaints.clear()


def test_where_a_frame_cannot_hold_it_the_interview_gets_a_tab_of_its_own(
    new_participant: Callable[[], Participant], server: Server, site: Site
):
    link = open_study(server, ["Why?"])
    lets_be_framed(server, link, site.origin)
    participant = new_participant()
    site.embeds(server.url + link, how="")
    frame = framed(participant, site)
    expect(frame.get_by_text("does not let the interview use your microphone")).to_be_visible()
    expect(frame.get_by_role("button", name="Continue")).not_to_be_visible()
    # A frame like this one keeps no cookie and runs none of our scripts.
    site.embeds(
        server.url + link,
        how='sandbox="allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox"',
    )
    frame = framed(participant, site)
    agrees(frame)
    expect(frame.get_by_text("your browser keeps nothing for the interview")).to_be_visible()
    with participant.context.expect_page() as opened:
        frame.get_by_role("link", name="Open in a new tab").click()
    expect(opened.value.get_by_text("You are invited to an interview")).to_be_visible()
    participant.complaints.clear()

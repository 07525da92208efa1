from __future__ import annotations

import base64

from tasks.report.page import Picture, Section, Table, html, markdown

SECTIONS = [
    Section("A <title>", ("one & two",)),
    Section(
        "Second",
        tables=(Table(("name", "value"), (("a|b", "1"), ("c", "2")), note="a note"),),
        pictures=(Picture("p.svg", "it's", b"<svg/>"), Picture("q.png", "q", b"\x89PNG")),
        code='{"version": 1}\n',
    ),
]


def test_page_escapes_and_embeds():
    page = html(SECTIONS)

    assert "<h1>A &lt;title&gt;</h1>" in page
    assert "<p>one &amp; two</p>" in page
    assert "<td>a|b</td><td>1</td>" in page
    encoded = base64.b64encode(b"<svg/>").decode()
    assert f"<img alt='it&#x27;s' src='data:image/svg+xml;base64,{encoded}'>" in page
    assert "data:image/png;base64," in page
    assert "<pre>{&quot;version&quot;: 1}\n</pre>" in page


def test_markdown_has_tables_and_names_pictures():
    text = markdown(SECTIONS)

    assert text.startswith("# A <title>\n\none & two\n\n## Second\n")
    assert "| name | value |\n| --- | ---: |\n| a\\|b | 1 |\n| c | 2 |\n\na note" in text
    assert "![it's](p.svg)" in text
    assert '```\n{"version": 1}\n```' in text

from __future__ import annotations

import base64
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from tasks.core.ports import Skipped
from tasks.report.page import (
    Cell,
    Histogram,
    Link,
    Picture,
    Section,
    Table,
    html,
    markdown,
    settings_section,
    skipped_section,
    write_page,
)
from tests.support.browser import chromium

HOSTILE = "<script>alert(1)</script> a|b `c` [x](javascript:alert(2)) \\ & \"q\" 'r'\n# no"
SECTIONS = [
    Section("A <title>", ("one & two",), links=(Link("As text", "report.md"),)),
    Section(
        "Second",
        tables=(Table(("name", "value"), (("a|b", "1"), ("c", "2")), note="a note"),),
        pictures=(Picture("p.svg", "it's", b"<svg/>"), Picture("q.png", "q", b"\x89PNG")),
        code='{"version": 1}\n',
    ),
    Section("Counts", histograms=(Histogram("height_m", (0.0, 1.0, 2.0, 3.0), (0, 2, 8)),)),
    Section("Parts", tables=(Table(("part",), ((Cell("the first", "good", to="One"),),)),)),
    Section("One", ("A part.",), is_part=True),
]


class Page(HTMLParser):
    """What a page consists of; fails where a tag is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._opened: list[str] = []
        self.feed(text)
        assert not self._opened

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "meta"):
            self._opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, tag: str, name: str) -> list[str | None]:
        return [values[name] for each, values in self.tags if each == tag and name in values]


def test_page_escapes_and_embeds() -> None:
    text = html(SECTIONS)
    page = Page(text)

    assert "<h1>A &lt;title&gt;</h1>" in text
    assert "<p>one &amp; two</p>" in text
    assert '<td>a|b</td><td class="number">1</td>' in text
    assert '<th class="number">value</th>' in text
    encoded = base64.b64encode(b"<svg/>").decode()
    assert page.values("img", "src")[0] == f"data:image/svg+xml;base64,{encoded}"
    assert page.values("img", "src")[1].startswith("data:image/png;base64,")
    assert page.values("img", "alt") == ["it's", "q"]
    assert '{"version": 1}\n' in page.text
    assert "2 to 3: 8" in page.text
    assert page.values("rect", "height") == ["0.0", "0.25", "1.0"]


def test_contents_lead_to_sections_and_cells_to_parts() -> None:
    page = Page(html(SECTIONS))
    links = [link for link in page.values("a", "href") if link and link.startswith("#")]
    assert [link.removeprefix("#") for link in links] == ["part-1", "part-2", "part-3", "part-4"]
    assert {link.removeprefix("#") for link in links} < {*page.values("section", "id")}
    assert ("td", {"class": "good"}) in page.tags


def test_a_cell_must_lead_to_a_part_that_there_is() -> None:
    with pytest.raises(UndefinedError):
        html([Section("T", tables=(Table(("a",), ((Cell("x", to="nowhere"),),)),))])


def test_markdown_has_tables_and_names_pictures() -> None:
    text = markdown(SECTIONS)

    assert text.startswith("# A \\<title>\n\none \\& two\n\n[As text](report.md)\n\n## Second\n\n")
    assert "| name | value |\n| --- | ---: |\n| a\\|b | 1 |\n| c | 2 |\n\na note\n" in text
    assert "![it's](p.svg)\n\n![q](q.png)" in text
    assert '\n\n    {"version": 1}\n\n' in text
    assert "## Counts\n\n`▁▃█` height_m, 0 to 3" in text
    assert text.endswith("### One\n\nA part.\n")


def test_facts_have_no_head() -> None:
    section = [Section("T", tables=(Table((), (("width", "1 px"),)),))]
    assert "<thead>" not in html(section)
    assert "|  |  |\n| --- | --- |\n| width | 1 px |\n" in markdown(section)


def everywhere(text: str) -> list[Section]:
    """A page that shows a text wherever one can stand."""
    return [
        Section(text, (text,)),
        Section(
            text,
            (text,),
            tables=(Table((text, "b"), ((Cell(text, to=text), text),), text),),
            pictures=(Picture(f"{text}.png", text, b"x"),),
            histograms=(Histogram(text, (0.0, 1.0), (1,)),),
            code=text,
            is_part=True,
        ),
        settings_section({text: text}),
        skipped_section([Skipped(item_id=text, reason=text)]),
    ]


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    plain = Page(html(everywhere("plain")))
    page = Page(html(everywhere(HOSTILE)))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert page.text.count(HOSTILE) == plain.text.count("plain")
    (tmp_path / "page.html").write_text(html(everywhere(HOSTILE)), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        assert "<script>alert(1)</script>" in browser.open_everywhere(tmp_path / "page.html").text


def test_hostile_names_stay_one_cell_of_a_line_of_markdown() -> None:
    text = markdown(everywhere(HOSTILE))
    lines = [line for line in text.splitlines() if not line.startswith("    ")]
    plain = markdown(everywhere("plain")).splitlines()
    assert len(lines) == len([line for line in plain if not line.startswith("    ")])
    for line in lines:
        found = line.replace("\\\\", "").replace("\\|", "").replace("\\<", "").replace("\\[", "")
        assert "<" not in found
        assert "[x]" not in found
        if line.startswith("|"):
            assert found.count("|") == 3
    (picture,) = (line for line in lines if line.startswith("!["))
    assert "%3Cscript%3E" in picture.rpartition("](")[2]


def test_columns_of_figures_stand_at_the_right() -> None:
    rows = (
        ("a", "+1.00 (-11.71 to +13.71)", "4.00 → 0.50", "-", "12 px", "", "3fa9"),
        ("b", "52.00 ± 2.00", "1,204", "7", "13 px", "", "12"),
    )
    table = Table(("name", "b", "c", "d", "e", "f", "g"), rows)
    assert table.is_number == (False, True, True, True, False, False, False)
    assert Table(("a", "b"), ()).is_number == (False, False)


def test_settings_are_named_by_their_path() -> None:
    found = settings_section({"match": {"scale": 0.5, "deep": {"on": True}}, "a": ""}, ("Said.",))
    assert found.tables[0].rows == (("a", ""), ("match.deep.on", "True"), ("match.scale", "0.5"))
    assert found.text == ("Said.",)


def test_what_was_skipped_is_said_and_that_nothing_was() -> None:
    assert skipped_section([]).text == ("Nothing was skipped.",)
    many = [Skipped(item_id=f"i{k}", reason="dark") for k in range(1203)]
    (table,) = skipped_section(many).tables
    assert table.rows[0] == ("i0", "dark")
    assert table.note == "1,003 more are not listed."


def test_files_of_a_page_are_written(tmp_path: Path) -> None:
    assert write_page(SECTIONS, tmp_path, "card") == ["card.html", "card.md", "p.svg", "q.png"]
    assert (tmp_path / "card.html").read_text("utf-8") == html(SECTIONS)
    assert (tmp_path / "card.md").read_text("utf-8") == markdown(SECTIONS)
    assert (tmp_path / "p.svg").read_bytes() == b"<svg/>"

from __future__ import annotations

from html.parser import HTMLParser

from tasks.grasping.pictures.data_card import Histogram, Picture, Section, Table
from tasks.grasping.pictures.data_card_pages import html, markdown

SECTIONS = [
    Section("A set", ("Two < three & more.",), (Table(("name", "share"), (("a|b", "1 %"),)),)),
    Section(
        "Counts",
        histograms=(Histogram("height_m", (0.0, 1.0, 2.0, 3.0), (0, 2, 8)),),
        pictures=(Picture("Two worlds", "pictures/worlds.png", b"\x89PNG data"),),
    ),
]


class Tags(HTMLParser):
    """Collects tags, and fails where one is not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.images: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attrs)["src"] or "")
        elif tag != "meta":
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_needs_nothing_else() -> None:
    tags = Tags()
    tags.feed(html(SECTIONS))
    assert tags.opened == []
    assert tags.images == ["data:image/png;base64,iVBORyBkYXRh"]
    assert "Two < three & more." in tags.text
    assert "2 to 3: 8" in tags.text


def test_markdown_names_pictures_and_keeps_its_tables_in_order() -> None:
    text = markdown(SECTIONS)
    assert text.startswith("# A set\n\nTwo < three & more.\n\n| name | share |\n| --- | --- |\n")
    assert "| a\\|b | 1 % |" in text
    assert "## Counts\n\n`▁▃█` height_m, 0 to 3" in text
    assert "![Two worlds](pictures/worlds.png)" in text

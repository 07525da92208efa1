"""The browser refuses what pages must not do, and shows what they do."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.support.browser import Browser, chromium

FINE = "<!doctype html><body style='background: #fff'><p>Hello <b>there</b></p>"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory):
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


def page(folder: Path, content: str) -> Path:
    path = folder / "page.html"
    path.write_text(content)
    return path


def test_a_page_is_shown(browser: Browser, tmp_path: Path) -> None:
    shown = browser.open(page(tmp_path, FINE), width_px=640)
    assert shown.text == "Hello there"
    assert shown.too_wide_px == 0
    assert Image.open(io.BytesIO(shown.picture)).width == 640


def test_what_is_done_on_a_page_is_seen_and_its_errors_fail(
    browser: Browser, tmp_path: Path
) -> None:
    path = page(tmp_path, FINE)
    shown = browser.open(
        path, script="Promise.resolve(document.body.append(' again')).then(() => 7)"
    )
    assert (shown.text, shown.answer) == ("Hello there\n\nagain", 7)
    with pytest.raises(AssertionError, match="missing is not defined"):
        browser.open(path, script="setTimeout(() => missing(), 10)")
    with pytest.raises(AssertionError, match="missing is not defined"):
        browser.open(path, script="missing()")


def test_light_and_dark_are_told_apart(browser: Browser, tmp_path: Path) -> None:
    style = "<style>@media (prefers-color-scheme: dark) { p { display: none } }</style>"
    path = page(tmp_path, style + FINE)
    assert browser.open(path).text == "Hello there"
    assert browser.open(path, is_dark=True).text == ""


def test_what_is_too_wide_is_measured(browser: Browser, tmp_path: Path) -> None:
    wide = f"{FINE}<div style='width: 500px'>wide</div>"
    found = browser.open(page(tmp_path, wide), width_px=390)
    assert 100 < found.too_wide_px < 130


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("<script>console.error('went wrong')</script>", "went wrong"),
        ("<script>missing()</script>", "missing is not defined"),
        ("<script>setTimeout(() => { throw new Error('late') }, 50)</script>", "late"),
        ("<img src='nowhere.png'>", "ERR_FILE_NOT_FOUND"),
    ],
)
def test_errors_on_the_console_fail(
    browser: Browser, tmp_path: Path, content: str, problem: str
) -> None:
    with pytest.raises(AssertionError, match=problem):
        browser.open(page(tmp_path, FINE + content))


@pytest.mark.parametrize(
    "content",
    [
        "<img src='https://example.com/a.png'>",
        "<link rel='stylesheet' href='http://example.com/a.css'>",
        "<style>p { background: url(https://example.com/b.png) }</style>",
        "<script>fetch('https://example.com/c').catch(() => 0)</script>",
        "<script>new WebSocket('wss://example.com/d')</script>",
        "<iframe src='https://example.com/e'></iframe>",
        "<img src='file:///etc/hostname' onerror='0'>",
    ],
)
def test_requests_to_the_outside_fail(browser: Browser, tmp_path: Path, content: str) -> None:
    with pytest.raises(AssertionError, match=r"asks for .*(example\.com|hostname)"):
        browser.open(page(tmp_path, FINE + content))


def test_what_lies_beside_the_page_may_be_asked_for(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("p { display: none }")
    path = page(tmp_path, FINE + "<link rel='stylesheet' href='a.css'>")
    assert browser.open(path).text == ""


def test_without_chromium_the_test_is_skipped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="needs Chromium"), chromium(tmp_path):
        pass

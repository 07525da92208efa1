"""Log lines in which nothing that came from outside can pass for a line of ours.

Identifiers, reasons and paths come from users' data. Their control characters are escaped here,
in one place, so that a folder's name can begin no line and move no terminal's cursor.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator

from tasks.core.outside.roots import CONTROL


def say(line: str) -> None:
    """Write a line for people to the standard output, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def plain(text: object) -> str:
    """Return one line of text: control characters, and what is no Unicode, as escapes."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], str(text))


class PlainFormatter(logging.Formatter):
    """Formats a record as one line, and a traceback as lines of its own below it."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        said = logging.makeLogRecord(record.__dict__)
        said.msg, said.args = plain(record.getMessage()), None
        said.exc_text = None
        return super().format(said)

    def formatException(self, ei: object) -> str:  # noqa: N802  (its name in logging)
        """Format a traceback; what the errors say is escaped, its own lines stay."""
        error = ei[1] if isinstance(ei, tuple) else None
        if not isinstance(error, BaseException):
            return ""
        text = "".join(traceback.format_exception(error)).rstrip("\n")
        for each in _chain(error):
            if said := str(each):
                text = text.replace(said, plain(said))
        return text


def log_plainly(form: str) -> None:
    """Let this process log to its standard error in plain lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainFormatter(form))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        each = pending.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            pending += [each.__cause__, each.__context__]

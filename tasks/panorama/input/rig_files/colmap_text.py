"""Rows of COLMAP's text files, with errors that name file and line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.core.errors import DataError
from tasks.core.files import read_text
from tasks.panorama.input.rig_files.checks import MAX_NUMBER, MAX_RIG_BYTES

MAX_ROWS, MAX_NAME = 50_000, 255
_MAX_SHOWN = 100


@dataclass(frozen=True)
class Row:
    """One row: fields between blanks, and where it stands."""

    path: Path
    line: int
    fields: tuple[str, ...]

    @property
    def num_fields(self) -> int:
        """How many fields the row has."""
        return len(self.fields)

    def error(self, message: str) -> DataError:
        """An error that says where."""
        return DataError(f"{self.path}, line {self.line}: {message}.")

    def expect(self, num_fields: int) -> None:
        """Check the number of fields.

        Raises:
            DataError: It is another.
        """
        if self.num_fields != num_fields:
            raise self.error(
                f"expected {num_fields} values, found {self.num_fields}; the line may be cut "
                "short or written for another camera model"
            )

    def text(self, place: int) -> str:
        """The field at a place.

        Raises:
            DataError: The row ends before it.
        """
        if place >= self.num_fields:
            raise self.error(f"expected more than {self.num_fields} values; the line is cut short")
        return self.fields[place]

    def rest(self, place: int) -> str:
        """The fields from a place on as one text: a file name with blanks.

        Raises:
            DataError: The row ends before it, or the text is longer than a file's name.
        """
        self.text(place)
        name = " ".join(self.fields[place:])
        if len(name) > MAX_NAME:
            raise self.error(f"expected a name of at most {MAX_NAME} characters")
        return name

    def whole(self, place: int) -> int:
        """The field at a place as a whole number.

        Raises:
            DataError: It is none.
        """
        try:
            value = int(self.text(place))
        except ValueError as error:
            found = self.text(place)[:_MAX_SHOWN]
            raise self.error(f"expected a whole number, found {found!r}") from error
        if abs(value) > MAX_NUMBER:
            raise self.error(f"expected a whole number up to {MAX_NUMBER:g}, found a larger one")
        return value

    def numbers(self, place: int, count: int) -> tuple[float, ...]:
        """Finite numbers from a place on.

        Raises:
            DataError: A field is no number, NaN or infinite.
        """
        return tuple(self._number(i) for i in range(place, place + count))

    def _number(self, place: int) -> float:
        text = self.text(place)
        try:
            value = float(text)
        except ValueError as error:
            raise self.error(f"expected a number, found {text[:_MAX_SHOWN]!r}") from error
        if not abs(value) <= MAX_NUMBER:
            raise self.error(
                f"expected a finite number, found {text[:_MAX_SHOWN]!r}; export the rig again"
            )
        return value


def read_rows(path: Path, lines_per_row: int = 1) -> Iterator[Row]:
    """Yield the rows of a file, without comments and empty lines.

    Args:
        path: The file.
        lines_per_row: 2 where each row is followed by a line to skip, which may be empty.

    Raises:
        DataError: The file can't be read as text.
    """
    lines = read_text(path, MAX_RIG_BYTES, "a readable text file").splitlines()
    skip = num_rows = 0
    for number, line in enumerate(lines, start=1):
        if skip > 0:
            skip -= 1
            continue
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        num_rows += 1
        if num_rows > MAX_ROWS:
            raise DataError(
                f"{path}, line {number}: expected at most {MAX_ROWS:,} rows; export the model of "
                "one rig alone."
            )
        yield Row(path, number, tuple(fields))
        skip = lines_per_row - 1

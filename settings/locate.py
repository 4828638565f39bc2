"""Where a key stands in a TOML text: tomllib tells values and no positions.

The text must be valid TOML (tomllib has read it before): the scanner only follows headers, keys and brackets.
"""

import re
import tomllib
from collections.abc import Iterator

KeyPath = tuple[str | int, ...]
"""Keys from the root; a number is the place in an array of tables."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def locate(text: str) -> dict[KeyPath, int]:
    """The line, counted from 1, of every key and every table header of this TOML text."""
    return _Scanner(text).scan()


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int | None:
    """The line of this key, or of the nearest thing around it; None for the file as a whole."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[KeyPath, int] = {}
        self.counts: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._skip_to_content():
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self.lines

    def _skip_to_content(self) -> bool:
        """Past white space, line ends, commas and comments; False at the end of the text."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "#":
                self._skip_comment()
            elif char in " \t\r\n,":
                self._step()
            else:
                return True
        return False

    def _skip_comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _step(self, count: int = 1) -> None:
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count

    def _header(self) -> KeyPath:
        array = self.text.startswith("[[", self.at)
        self._step(2 if array else 1)
        line = self.line
        path = self._resolve(tuple(self._keys("]")))
        self._step(2 if array else 1)
        if array:
            number = self.counts.get(path, 0)
            self.counts[path] = number + 1
            self.lines.setdefault(path, line)
            path = (*path, number)
        self.lines.setdefault(path, line)
        return path

    def _resolve(self, keys: tuple[str, ...]) -> KeyPath:
        """The path of a header, the last element of each array of tables put in; the array itself stays open."""
        path: KeyPath = ()
        for at, key in enumerate(keys):
            path = (*path, key)
            if path in self.counts and at < len(keys) - 1:
                path = (*path, self.counts[path] - 1)
        return path

    def _keys(self, end: str) -> Iterator[str]:
        """The parts of a dotted key; stops at `end`."""
        while self.text[self.at] != end:
            char = self.text[self.at]
            if char in "\"'":
                yield self._string()
            elif char in " \t.":
                self._step()
            else:
                match = _BARE.match(self.text, self.at)
                if match is None:  # not TOML: the caller has read it with tomllib before
                    raise ValueError(f"line {self.line}: not a key")
                self._step(len(match.group()))
                yield match.group()

    def _pair(self, table: KeyPath) -> None:
        line = self.line
        path = (*table, *self._keys("="))
        for length in range(len(table) + 1, len(path) + 1):
            self.lines.setdefault(path[:length], line)
        self._step()
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        while self.text[self.at] in " \t":
            self._step()
        char = self.text[self.at]
        if char in "\"'":
            self._string()
        elif char == "[":
            self._array(path)
        elif char == "{":
            self._inline_table(path)
        else:
            while self.at < len(self.text) and self.text[self.at] not in ",]}\n#":
                self._step()

    def _array(self, path: KeyPath) -> None:
        self._step()
        number = 0
        while self._skip_to_content() and self.text[self.at] != "]":
            self.lines.setdefault((*path, number), self.line)
            self._value((*path, number))
            number += 1
        self._step()

    def _inline_table(self, path: KeyPath) -> None:
        self._step()
        while self._skip_to_content() and self.text[self.at] != "}":
            self._pair(path)
        self._step()

    def _string(self) -> str:
        quote = self.text[self.at]
        if self.text.startswith(quote * 3, self.at):
            return self._long_string(quote * 3)
        end = self.at + 1
        while self.text[end] != quote:
            end += 2 if quote == '"' and self.text[end] == "\\" else 1
        content = self.text[self.at + 1 : end]
        if quote == '"' and "\\" in content:
            content = tomllib.loads(f'key = "{content}"')["key"]
        self._step(end + 1 - self.at)
        return content

    def _long_string(self, quotes: str) -> str:
        end = self.at + 3
        while not self.text.startswith(quotes, end):
            end += 2 if quotes[0] == '"' and self.text[end] == "\\" else 1
        while self.text.startswith(quotes, end + 1):  # up to two quotes may stand before the closing three
            end += 1
        content = self.text[self.at + 3 : end]
        self._step(end + 3 - self.at)
        return content

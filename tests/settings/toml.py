"""Random TOML texts with known positions: every value is a number or word that stands nowhere else in the text."""

from dataclasses import dataclass, field

from hypothesis import strategies as st

from settings.locate import KeyPath

BARE = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
ODD = st.text(st.sampled_from("a.b #[]={}'йß,:\"\\\t"), min_size=1, max_size=6)


def quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'


@dataclass
class Writer:
    """The text so far, and the line of each value by its path."""

    draw: st.DrawFn
    text: str = ""
    lines: dict[KeyPath, int] = field(default_factory=dict)
    count: int = 1000
    newline: str = "\n"

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def key(self, taken: set[str]) -> tuple[str, str]:
        """A key and how it is written."""
        key = self.draw((BARE | ODD).filter(lambda key: key not in taken))
        taken.add(key)
        forms = [quoted(key)]
        if key.isascii() and all(char.isalnum() or char in "-_" for char in key):
            forms += [key, key, f"'{key}'"]
        elif "'" not in key and "\t" not in key:
            forms.append(f"'{key}'")
        return key, self.draw(st.sampled_from(forms))

    def noise(self) -> None:
        self.text += self.draw(
            st.sampled_from(
                ["", "", " ", self.newline, f"# [no] = {{ x = 1 }} \" ' {self.newline}", f"\t{self.newline}"]
            )
        )

    def gap(self) -> str:
        return self.draw(st.sampled_from(["", " ", "\t ", " "]))

    def scalar(self, path: KeyPath) -> None:
        self.count += 1
        token = str(self.count)
        self.lines[path] = self.line
        form = self.draw(st.integers(0, 9))
        self.text += [
            token,
            f"{token}.5",
            f'"{token} # = [ \\" \\\\"',
            f"'{token} ] \\'",
            f'"""{token}{self.newline}a = 1{self.newline}[b] \\""" "" {self.newline}"""',
            f"'''{token}{self.newline}# ' '' [c]{self.newline}'''",
            f'"""{token}""""',
            f"2026-11-23T10:00:00.{token}Z",
            f"2026-11-23 10:00:00.{token}",
            f"0x{token}",
        ][form]

    def value(self, path: KeyPath, depth: int) -> None:
        kind = self.draw(st.integers(0, 9)) if depth else 9
        if kind == 0:
            self.inline_table(path, depth)
        elif kind in (1, 2):
            self.array(path, depth)
        else:
            self.scalar(path)

    def array(self, path: KeyPath, depth: int) -> None:
        self.text += "["
        length = self.draw(st.integers(0, 3))
        for at in range(length):
            self.noise()
            self.value((*path, at), depth - 1)
            self.noise()
            if at < length - 1 or self.draw(st.booleans()):
                self.text += ","
        self.noise()
        self.text += "]"

    def inline_table(self, path: KeyPath, depth: int) -> None:
        self.text += "{" + self.gap()
        taken: set[str] = set()
        length = self.draw(st.integers(0, 3))
        for at in range(length):
            key, written = self.key(taken)
            self.text += f"{self.gap()}{written}{self.gap()}={self.gap()}"
            self.value((*path, key), depth - 1)
            self.text += self.gap() + ("," if at < length - 1 else "")
        self.text += self.gap() + "}"

    def pairs(self, path: KeyPath, taken: set[str]) -> None:
        for _ in range(self.draw(st.integers(0, 3))):
            self.noise()
            key, written = self.key(taken)
            where: KeyPath = (*path, key)
            if self.draw(st.booleans()) and self.draw(st.booleans()):
                inner, inner_written = self.key(set())
                written += f"{self.gap()}.{self.gap()}{inner_written}"
                where = (*where, inner)
            self.text += f"{self.gap()}{written}{self.gap()}={self.gap()}"
            self.value(where, 2)
            self.text += self.gap() + self.draw(st.sampled_from(["", "# comment \"'[{"])) + self.newline

    def tables(self, path: KeyPath, written_path: str, taken: set[str], depth: int) -> None:
        for _ in range(self.draw(st.integers(0, 2))):
            self.noise()
            key, written = self.key(taken)
            whole = f"{written_path}.{written}" if written_path else written
            if self.draw(st.booleans()):
                for number in range(self.draw(st.integers(1, 3))):
                    self.text += f"{self.gap()}[[{self.gap()}{whole}{self.gap()}]] # x{self.newline}"
                    self.table((*path, key, number), whole, depth)
            else:
                self.text += f"{self.gap()}[{self.gap()}{whole}{self.gap()}]{self.newline}"
                self.table((*path, key), whole, depth)

    def table(self, path: KeyPath, written: str, depth: int) -> None:
        self.lines[path] = self.line - 1
        taken: set[str] = set()
        self.pairs(path, taken)
        if depth:
            self.tables(path, written, taken, depth - 1)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[KeyPath, int]]:
    """A valid TOML text, and the line on which each of its values and tables starts."""
    writer = Writer(draw, newline=draw(st.sampled_from(["\n", "\r\n"])))
    taken: set[str] = set()
    writer.pairs((), taken)
    writer.tables((), "", taken, 2)
    return writer.text, writer.lines

"""Take out of a broker's answers whom they are about: credentials, account numbers, names. Everything else stays.

Bytes are replaced in place, so that numbers keep their digits and the text its form. An account number becomes another
one of the same shape, the same one wherever it appears; nobody can compute the old one from it.
"""

import json
import re
import secrets
from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote

SCRUBBED = "Scrubbed"
_PERSONAL = (
    r"(?:[a-z_]*e_?mail|[a-z_]*phone|mobile|fax|[a-z_]*address\d?|street\d?|city|zip|zip_?code|post(?:al)?_?code"
    r"|(?:first|last|middle|full|given|family|sur|user|nick|legal|holder|owner|customer|client|beneficiary)_?name"
    r"|(?:account_?|acct_?)?(?:alias|title|holder|owner)|[a-z_]*birth[a-z_]*|ssn|tax_?id|passport|ip|comment|memo|note)"
)
_JSON_FIELD = re.compile(rf'("{_PERSONAL}"\s*:\s*)("(?:[^"\\]|\\.)*"|-?\d[\d.]*)', re.IGNORECASE)
_XML_FIELD = re.compile(rf"(\s{_PERSONAL}\s*=\s*)(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_XML_ELEMENT = re.compile(rf"(<({_PERSONAL})>)([^<]+)(</\2>)", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FEW_DIGITS = 4  # a number with fewer is known by its letters
_PART = re.compile(r"\d{5,}")  # so much of an account number tells it (OANDA's userID is its third part)
_FREE_TEXT = re.compile(r'"([^"\\]*[A-Za-z]{2}[^"\\]* [^"\\]*)"')


class Scrubber:
    """Scrubs the answers of one recording: the same in all of them."""

    def __init__(self, *, secret: Sequence[str], numbers: Sequence[str], names: Sequence[str]) -> None:
        """`secret` are the credentials, `numbers` the account numbers, `names` what else names the trader."""
        self.replaced: Counter[str] = Counter()
        """How often each kind of thing was replaced."""
        self._told = [text for text in (*secret, *numbers, *names) if text]
        self._words: dict[str, tuple[str, str]] = {}  # what to find: what to put there, and what kind it is
        for text in filter(None, secret):
            for form in {text, quote(text, safe=""), json.dumps(text)[1:-1]}:
                self._words[form] = ("x" * len(form), "secrets")
        for text in filter(None, numbers):
            self._words[text] = (_like(text, unlike=self._told), "account numbers")
        for text in names:
            if len(text) > 1:
                self._words[text] = (SCRUBBED, "names")
        self._parts = {
            part[0]: self._words[number][0][part.start() : part.end()]
            for number in filter(None, numbers)
            for part in _PART.finditer(number)
            if part[0] != number and not _UUID.fullmatch(number)
        }

    def scrub(self, body: bytes) -> bytes:
        """The answer without what names anybody. A body that is no UTF-8 text raises UnicodeDecodeError."""
        text = self.text(body.decode())
        text = _JSON_FIELD.sub(self._field, text)
        text = _XML_FIELD.sub(self._field, text)
        return _XML_ELEMENT.sub(self._element, text).encode()

    def text(self, text: str) -> str:
        """A text without credentials, account numbers and names."""
        if self._words:
            longest_first = sorted(self._words, key=len, reverse=True)
            text = re.sub("|".join(map(re.escape, longest_first)), self._word, text)
        if self._parts:
            alone = "|".join(map(re.escape, self._parts))
            text = re.sub(rf"(?<![\w.])(?:{alone})(?![\w.])", self._part, text)
        return text

    def leaks(self, body: bytes) -> bool:
        """Whether something that had to be taken out is still there."""
        text = body.decode()
        return any(word in text for word in self._told if len(word) > 1)

    def _word(self, match: re.Match[str]) -> str:
        put, kind = self._words[match[0]]
        self.replaced[kind] += 1
        return put

    def _part(self, match: re.Match[str]) -> str:
        self.replaced["parts of account numbers"] += 1
        return self._parts[match[0]]

    def _field(self, match: re.Match[str]) -> str:
        value = match[2]
        if value[:1] not in "\"'":
            self.replaced["personal fields"] += 1
            return match[1] + re.sub(r"\d", "0", value)
        if value[1:-1] in ("", SCRUBBED):
            return match[0]
        self.replaced["personal fields"] += 1
        return f"{match[1]}{value[0]}{SCRUBBED}{value[0]}"

    def _element(self, match: re.Match[str]) -> str:
        self.replaced["personal fields"] += 1
        return f"{match[1]}{SCRUBBED}{match[4]}"


def free_texts(body: bytes) -> Sequence[str]:
    """Texts of several words that were left as they are: whoever recorded them has to look for names in them."""
    return sorted({match[1] for match in _FREE_TEXT.finditer(body.decode()) if SCRUBBED not in match[1]})


def _like(number: str, unlike: Sequence[str]) -> str:
    """Another number of the same shape, in which none of the others can be read."""
    uuid = _UUID.fullmatch(number) is not None
    letters = uuid or sum(character.isdigit() for character in number) < _FEW_DIGITS
    while True:
        made = "".join(_character(character, letters=letters, uuid=uuid) for character in number)
        if made != number and not any(text in made for text in unlike if len(text) >= _FEW_DIGITS):
            return made


def _character(old: str, *, letters: bool, uuid: bool) -> str:
    if uuid:
        return secrets.choice("0123456789abcdef") if old.isalnum() else old
    if old.isdigit():
        return secrets.choice("123456789")  # no zero: in JSON a number can't begin with one
    if letters and old.isalpha():
        return secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ" if old.isupper() else "abcdefghjkmnpqrstuvwxyz")
    return old

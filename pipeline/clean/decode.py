"""Bytes of unknown encoding → text, without losing a character that can be read."""

from __future__ import annotations

import codecs
import re

from pipeline.values import Unreadable

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Line breaks that are not "\n", invisible characters, and spaces that look like a space.
_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad\x00-\x08\x0e-\x1f\x7f]")
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000\t]")
_CONTROLS = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17"
_BINARY_SHARE = 0.05


def decode(content: bytes) -> str:
    """The text of a raw file, with plain spaces and plain line ends.

    A byte-order mark decides, then UTF-8, then the character set that a page declares; what is left is read
    line by line, each as UTF-8 or else as Windows-1252, since dumps mix the two.
    Raises Unreadable (`empty`, `binary`).
    """
    if not content.strip():
        raise Unreadable("empty", "the file holds nothing but white space")
    text = _decode(content)
    tidied = tidy(text)
    # Tidying takes control characters out, so only a text that got shorter can be a binary.
    controls = sum(map(text.count, _CONTROLS)) if len(tidied) < len(text) else 0
    if controls > _BINARY_SHARE * len(text) or content[:5] == b"%PDF-" or content[:4] == b"PK\x03\x04":
        raise Unreadable("binary", "the file is not text; save the decision as plain text or HTML")
    return tidied


def _decode(content: bytes) -> str:
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    half = min(len(content), 4000) // 2
    if half and content[1 : 2 * half : 2].count(0) > 0.4 * half:
        return content.decode("utf-16-le", errors="replace")
    declared = _CHARSET.search(content[:4096])
    if declared:
        try:
            return content.decode(declared[1].decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            pass
    return "\n".join(map(_decode_line, content.split(b"\n")))


def _decode_line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return line.decode("cp1252")
    except UnicodeDecodeError:  # the five bytes that Windows-1252 leaves undefined
        return line.decode("latin-1")


def tidy(text: str) -> str:
    """`text` with one kind of line end and one kind of space, and no invisible characters. No word changes."""
    if _is_tidy(text):
        return text
    text = text.replace("\r\n", "\n").replace("\u00a0", " ").replace("\t", " ")
    if _is_tidy(text):
        return text
    text = _BREAKS.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    return _SPACES.sub(" ", text)


def _is_tidy(text: str) -> bool:
    return text.replace("\n", " ").isprintable()  # no character that tidying changes is what Unicode calls printable

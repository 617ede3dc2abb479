"""The reader for HTML pages: the article is chosen positively, nesting and numbers come from the markup (layout 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import regex
from bs4 import BeautifulSoup
from lxml import etree

from pipeline.clean.decode import tidy
from pipeline.clean.lines import CELL, HEADING, ITEM, NUMBERED, PLAIN, TOP, Line
from pipeline.clean.text import mark

_LOOKS = regex.compile(
    r"<(?:!doctype\s+html|html|head|body|article|main|div|h[1-6]|ol|ul|p)\b[^<]{0,400}>", regex.IGNORECASE
)
_SKIP = frozenset({"script", "style", "noscript", "template", "svg", "button", "form", "iframe", "head"})
_OUTSIDE = frozenset({"nav", "header", "footer", "aside"})
_BLOCKS = frozenset({
    "address", "article", "blockquote", "body", "center", "dd", "details", "dialog", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hgroup", "hr", "html", "legend", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table",
    "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
})  # fmt: skip
_HEADS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_ARTICLES = (
    "//article[@id='article']",
    "//*[@id='article']",
    "//article[.//ol or .//h2]",
    "//main[.//ol or .//h2]",
    "//*[@id='content' or @id='main-content'][.//ol or .//h2]",
)
_LABELS = ".//*[contains(concat(' ', normalize-space(@class), ' '), ' label ')]"
_WHITE = regex.compile(r"[ \n\r\t\f]+")
_DECLARATION = regex.compile(r"\s*<\?xml[^>]*\?>")
_LINK = regex.compile(r"(?:href|content)=[\"'](https?://[^\"'\s]{1,500})", regex.IGNORECASE)


def looks_like_html(text: str) -> bool:
    """Whether the text is markup: a page, or a fragment that starts with a tag."""
    return text.lstrip()[:1] == "<" and _LOOKS.search(text, 0, 20_000) is not None


def address(text: str) -> str | None:
    """The address that the page gives for itself (canonical link, og:url), or null."""
    for tag, word in (("<link", "canonical"), ("<meta", "og:url")):
        at = text.find(word)
        while at >= 0:
            element = text[text.rfind("<", 0, at) : text.find(">", at)]
            link = _LINK.search(element) if element[: len(tag)].lower() == tag else None
            if link:
                return link[1]
            at = text.find(word, at + 1)
    return None


def read_html(text: str) -> list[Line]:
    """The lines of an HTML page: headings with their level, paragraphs with their published number, bullets, cells.

    lxml reads the page. Where its tags do not match, or it finds nothing, BeautifulSoup mends it first, as a browser
    would, at thirty times the cost. Numbers follow `start` and `value`; lists without them continue the count.
    """
    tree, broken = _tree(text)
    lines = [] if broken else _read(tree)
    if not lines:
        mended, _ = _tree(str(BeautifulSoup(text, "html5lib")))
        lines = _read(mended) or lines
    if not any(
        line.kind == NUMBERED for line in lines
    ):  # no lists: the numbers may be printed in the words, and start over
        lines = [mark(line.depth, line.text)._replace(number=None) if line.kind == PLAIN else line for line in lines]
    return lines


def _tree(text: str) -> tuple[Any, bool]:
    """(the tree of a page or null, whether its tags do not match)."""
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True)
    # An encoding declaration in the text would contradict the bytes that lxml is given.
    declaration = _DECLARATION.match(text)
    markup = text[declaration.end() :] if declaration else text
    try:
        tree = etree.fromstring(markup.encode("utf-8", errors="replace"), parser)
    except (etree.LxmlError, ValueError):
        return None, True
    return tree, any(error.type == etree.ErrorTypes.ERR_TAG_NAME_MISMATCH for error in parser.error_log)


def _read(tree: Any) -> list[Line]:
    if tree is None:
        return []
    for path in _ARTICLES:
        found = tree.xpath(path)
        if found:
            root, inside = max(found, key=lambda node: len(node.xpath("string()"))), True
            break
    else:
        root, inside = (tree.find("body") if tree.find("body") is not None else tree), False
    for label in root.xpath(_LABELS):  # a label is one with a colon after it or without
        if not label.xpath("string()").rstrip().endswith(":"):
            etree.SubElement(label, "span").text = " :"
    return _Walk(root, inside).lines()


@dataclass(slots=True)
class _Place:
    """Where in the article a line begins; its first line is the paragraph, later ones are loose text of it."""

    kind: str
    depth: int = 0
    number: int | None = None
    used: bool = False


class _Walk:
    """One pass over an article: text gathers until a block begins or ends, and is then one line."""

    def __init__(self, root: Any, inside: bool) -> None:
        self.root = root
        self.inside = inside
        self.count = 0
        self.floor = 0  # lists left open above the last heading: a heading closes them, whatever the markup says
        self.buffer: list[str] = []
        self.found: list[Line] = []
        self.place = _Place(PLAIN)

    def lines(self) -> list[Line]:
        self._node(self.root, 0, next(self.root.iterancestors("ol", "ul"), None))
        self._flush()
        return self.found

    def _flush(self) -> None:
        if not self.buffer:
            return
        words = "".join(self.buffer).strip()
        self.buffer.clear()
        if "  " in words or not words.isprintable():
            words = tidy(_WHITE.sub(" ", words)).strip()
        if not words:
            return
        if len(words) == len("back to top") and words.lower() == "back to top":
            self.found.append(Line(TOP, words))
            return
        place = self.place
        if place.used and place.kind in (NUMBERED, ITEM):
            self.found.append(Line(PLAIN, words, 1))
        else:
            self.found.append(Line(place.kind, words, place.depth, place.number))
        place.used = True

    def _node(self, node: Any, depth: int, owner: Any) -> None:
        """Reads one element `depth` lists deep; `owner` is the nearest of them."""
        tag = node.tag
        if not isinstance(tag, str) or tag in _SKIP:
            return
        if node is not self.root and (tag in ("nav", "footer") or (not self.inside and tag in _OUTSIDE)):
            return
        if tag == "br":
            self._flush()
            return
        block = tag in _BLOCKS
        outer = self.place
        if block:
            self._flush()
            self.place = self._place(node, tag, depth, owner, outer)
        words = node.text
        if words:
            self.buffer.append(words)
        if tag in _HEADS:
            self.floor = depth
        inner = depth
        if tag in ("ol", "ul"):
            inner, owner = depth + 1, node
        for child in node:
            self._node(child, inner, owner)
            words = child.tail
            if words:
                self.buffer.append(words)
        if block:
            self._flush()
            self.place = outer
            self.floor = min(self.floor, depth)

    def _place(self, node: Any, tag: str, depth: int, owner: Any, outer: _Place) -> _Place:
        if tag in _HEADS:
            return _Place(HEADING, _HEADS[tag])
        if tag in ("td", "th"):
            return _Place(CELL)
        if tag == "li":
            # The nearest list counts, not the parent: an unclosed block in one item swallows the items after it.
            depth -= self.floor
            if depth <= 1 and owner is not None and owner.tag == "ol":
                return _Place(NUMBERED, 0, self._number(node, owner))
            return _Place(ITEM, max(depth, 1))
        if tag in ("ol", "ul") and self.floor:  # text after a heading in an open list belongs to no item of it
            return _Place(PLAIN)
        return outer

    def _number(self, node: Any, owner: Any) -> int:
        value = _whole(node.get("value"))
        if value is None and node.getparent() is owner and node.getprevious() is None:
            # A list that says where it starts is believed, unless it claims to start over.
            start = _whole(owner.get("start"))
            value = start if start is not None and start > self.count else None
        self.count = value if value is not None else self.count + 1
        return self.count


def _whole(value: str | None) -> int | None:
    return int(value) if value and regex.fullmatch(r"\s*\d{1,4}\s*", value) else None

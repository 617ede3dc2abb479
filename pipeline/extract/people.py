"""People and bodies as these decisions name them, and whom a pronoun stands for."""

from __future__ import annotations

import regex

_TITLE = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Sir|Lady|Cllr|Councillor)"
_NAME = r"[A-Z](?![A-Z])[a-z]*(?:[-’'][A-Z][a-z]+)?"
PERSON = regex.compile(
    rf"\b{_TITLE}\.?(?: (?:and|&) {_TITLE}\.?)? {_NAME}\b(?! (?:Council|Borough|County))"
    rf"(?:(?:, {_TITLE}\.? {_NAME})* and (?:{_TITLE}\.? {_NAME}\b|(?:her|his|their) (?:(?:two|three|four|five"
    rf"|six) )?[a-z]+))?"
)
_SINGLE = regex.compile(rf"\b{_TITLE}\.? {_NAME}\b")
_FEMALE = regex.compile(r"\b(?:Mrs|Ms|Miss|Lady)\b|^the (?:woman|mother|daughter|sister|aunt|grandmother|girl|wife)")
_MALE = regex.compile(r"\b(?:Mr|Sir)\b|^the (?:man|father|son|brother|uncle|grandfather|boy|husband)")
_COUPLE = regex.compile(
    rf"\b{_TITLE}\.? (?:and|&) {_TITLE}\.? {_NAME}\b|\b{_TITLE}\.? {_NAME} and {_TITLE}\.? {_NAME}\b"
    r"|\bthe (?:couple|family|parents)\b"
)
_ROLE = regex.compile(
    r"\b(?:the|The|A|a|An|an) ((?:young )?(?:woman|man|mother|father|couple|family|complainant|daughter|son|tenant"
    r"|resident|parents|grandmother|grandfather|carer|boy|girl|child|business|company|charity|school))\b"
)
ESTATE = regex.compile(
    rf"\bthe (?:late )?estate of (?:the late )?{_TITLE}\.? {_NAME}\b|\b{_TITLE}\.? {_NAME}(?:’s|'s) estate\b"
)
_PAYEE = regex.compile(
    rf"(?P<estate>the (?:late )?estate of (?:the late )?{_TITLE}\.? {_NAME}|{_TITLE}\.? {_NAME}(?:’s|'s) estate)"
    rf"|(?P<person>{PERSON.pattern})"
    r"|(?P<own>\b(?:her|his) estate\b)"
    r"|(?P<kin>\b(?:her|his|their) (?:(?:two|three|four|elder|eldest|younger|youngest|other|adult|late) )?(?:sons"
    r"|daughters|parents|son|daughter|mother|father|husband|wife|child|children|sister|brother"
    r"|grandson|granddaughter|partner|family)\b)"
    r"|(?P<pronoun>\b(?:him|her|them|each of them|both|the two of them)\b(?! (?:own|son|daughter|mother|father"
    r"|husband|wife|child|children|sister|brother|distress|time|loss|account|case|complaint|home|family|travel"
    r"|trouble|anxiety|uncertainty|frustration|costs|expenses|needs|bank|care|representative)))"
    r"|(?P<role>\bthe (?:woman|man|mother|father|couple|family|complainant|complainants|daughter|son|tenant"
    r"|resident|parents|young man|young woman|grandmother|child|children|company|business)\b)"
    r"|(?P<child>(?<!\b(?:Mr|Mrs|Ms|Miss|Dr|Mx|Stage|Band|Part|Section|Level|Group|Year) )(?<![\w’'.])"
    r"(?!I\b|A\b)[A-Z](?: and [A-Z])?\b(?![.’'\w]))"
)


def main_complainant(text: str) -> str | None:
    """The person a decision is about, as first named: "Mr D", "Mr and Mrs K", "the woman" in a report."""
    found = PERSON.search(text)
    if found is not None:
        return found[0]
    role = _ROLE.search(text)
    return f"the {role[1]}" if role else None


def resolve(pronoun: str, before: str) -> str | None:
    """Whom him, her or them stands for: the last one in `before` that fits, or null."""
    word = pronoun.lower()
    if word in ("them", "both", "each of them", "the two of them"):
        couples = [m[0] for m in _COUPLE.finditer(before)]
        return resolve_role(couples[-1], before) if couples else None
    fits = _FEMALE if word == "her" else _MALE
    named = [m[0] for m in _SINGLE.finditer(before) if fits.search(m[0])]
    if named:
        return named[-1]
    roles = [f"the {m[1]}" for m in _ROLE.finditer(before)]
    return next((role for role in reversed(roles) if fits.search(role)), None)


_BENEFIT = regex.compile(rf"\bfor (?P<who>[A-Z]|{_TITLE}\.? {_NAME})(?:’s|'s) (?:\w+ )?benefit")


def payee(words: str, before: str) -> str | None:
    """The first person, couple, estate or role named in `words`, pronouns resolved with what stands before; or null.

    Where the words name nobody else, whoever the money is to benefit.
    """
    for found in _PAYEE.finditer(words):
        if found["pronoun"]:
            person = resolve(found["pronoun"], before + " " + words[: found.start()])
            return person or (main_complainant(before) if before else None)
        if found["own"]:
            person = resolve(found["own"].split(" ")[0].replace("his", "him"), before + " " + words[: found.start()])
            return f"{person}’s estate" if person else found[0]
        if found["role"] and before:
            return resolve_role(found[0], before)
        return found[0]
    benefit = _BENEFIT.search(words)
    return benefit["who"] if benefit else None


def resolve_role(role: str, before: str) -> str:
    """The name of "the couple", where the text has given one."""
    if role in ("the complainant", "the complainants"):
        return main_complainant(before) or role
    if role in ("the couple", "the parents"):
        couples = [m[0] for m in _COUPLE.finditer(before) if not m[0].startswith("the ")]
        return couples[-1] if couples else role
    return role


def heads(recipient: str) -> int:
    """How many people a recipient is: "Mr and Mrs X" is two."""
    return 1 + len(regex.findall(r" and | & |, ", recipient)) if recipient else 1

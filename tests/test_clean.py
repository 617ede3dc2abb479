"""Every layout and variation that raw decisions come in, a small case each."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from support import DECISIONS, INDEX_PAGES, assert_tiles, case, lines_of, read

from pipeline import read_decision
from pipeline.clean import clean
from pipeline.clean.header import received_year, reference_in
from pipeline.values import Decision, Header, RawPage, Unreadable

NUMBERED, DASHED, BARE, PAGE = case("numbered.txt"), case("dashed.txt"), case("bare.txt"), case("page.html")
REPORT, COOKIES, JOINT = case("15-005-505.txt"), case("cookies.txt"), case("joint.txt")
FURNITURE = [
    "Analytical cookies",
    "Back to top",
    "LGO logogram",
    "Print this page",
    "Privacy settings",
    "Required cookies",
    "Review your privacy settings",
    "View analytical cookies",
    "View required cookies",
    "We recommend you set these 'ON'.",
    "Investigator's decision on behalf of the Ombudsman",
]


def outline(decision: Decision) -> list[tuple[str, int, str, int | None, int | None]]:
    return [(s.heading, s.level, s.code, s.first, s.last) for s in decision.sections]


def part(decision: Decision, heading: str) -> list[tuple[str, int | None, str]]:
    """The lines below a heading, up to the next one."""
    headings = {s.heading for s in decision.sections}
    lines = lines_of(decision)
    first = next(i for i, line in enumerate(lines) if line[2] == heading) + 1
    last = next((i for i in range(first, len(lines)) if lines[i][2] in headings), len(lines))
    return lines[first:last]


def refused(content: str | bytes, name: str = "file.txt") -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read(content, name)
    assert caught.value.detail
    return caught.value


# -- the five layouts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DECISIONS)
def test_every_case_tiles_and_holds_no_furniture(name: str) -> None:
    decision = read(case(name), name)
    assert_tiles(decision)
    lines = [words for _, _, words in lines_of(decision)]
    assert not {line.replace("’", "'") for line in lines} & set(FURNITURE)
    assert not any("Google Analytics cookies" in line or "let the website work" in line for line in lines)


def test_numbered_text() -> None:
    decision = read(NUMBERED)
    assert decision.header == Header(
        "Larkbridge Borough Council",
        "24 001 101",
        "Environment and regulation",
        "Refuse and recycling",
        "Upheld",
        date(2025, 2, 3),
    )
    assert (decision.decision_id, decision.source, decision.numbering) == ("lgsco/24-001-101", "lgsco", "inferred")
    assert decision.summary == (
        "Mr P complained about bins the Council did not empty. The Council was at fault. "
        "It has agreed to apologise and to pay him £75."
    )
    assert outline(decision) == [
        ("The complaint", 1, "complaint", 1, 2),
        ("The Ombudsman’s role and powers", 1, "role", 3, 3),
        ("How I considered this complaint", 1, "method", 4, 5),
        ("What I found", 1, "findings", 6, 9),
        ("The contract", 2, "findings", 6, 7),
        ("What happened", 2, "findings", 8, 9),
        ("Agreed action", 1, "remedy", 10, 10),
        ("Final decision", 1, "decision", 11, 11),
    ]
    # The count starts again after the bullets, and the published one goes on.
    assert part(decision, "The complaint") == [
        ("paragraph", 1, "Mr P says the Council has left his bins unemptied on:"),
        ("bullet", 1, "three Mondays in May; and"),
        ("bullet", 1, "every Monday in June."),
        ("paragraph", 2, "He says the smell was “beyond a joke”."),
    ]
    assert decision.text.startswith("Summary: Mr P complained")
    assert decision.text.endswith("There was fault by the Council.")


def test_every_line_knows_its_section_and_headings() -> None:
    decision = read(NUMBERED)
    by_words = {decision.words_of(p): p for p in decision.paragraphs}
    crew = by_words["bins that the crew forgot."]
    assert (crew.section, crew.heading, crew.subheading) == ("findings", "What I found", "The contract")
    pay = by_words["pay him £75 for his frustration."]
    assert (pay.section, pay.heading, pay.subheading) == ("remedy", "Agreed action", None)
    assert decision.paragraphs[0].section == "summary"


def test_dashed_text_with_a_header() -> None:
    decision = read(DASHED)
    assert decision.header == Header(
        "Quenby County Council", "24 002 202", "Education", "School transport", "Not upheld", date(2025, 3, 17)
    )
    assert part(decision, "The complaint") == [
        ("paragraph", 1, "Mrs V complained about a refused bus pass. She said the panel:"),
        ("bullet", 1, "ignored her son’s asthma;"),
        ("bullet", 1, "did not see the road; and"),
        ("bullet", 1, "wrote to her too late."),
        ("paragraph", 2, "She wants the pass."),
    ]
    assert outline(decision) == [
        ("The complaint", 1, "complaint", 1, 2),
        ("How I considered this complaint", 1, "method", 3, 3),
        ("What I found", 1, "findings", 4, 6),
        ("What happened", 2, "findings", 4, 5),
        ("Analysis", 2, "findings", 6, 6),
        ("Final decision", 1, "decision", 7, 7),
    ]


@pytest.mark.parametrize("text", [BARE, BARE.replace("\n  - ", "\n- ")], ids=["indented", "flattened"])
def test_dashed_text_without_a_header(text: str) -> None:
    decision = read(text)
    assert decision.header == Header("Quenby County Council", "24 003 303")
    assert part(decision, "The complaint") == [
        ("paragraph", 1, "Mr D complained about a parking fine. He says:"),
        ("bullet", 1, "the sign was hidden by a tree; and"),
        ("bullet", 1, "the machine was broken."),
        ("paragraph", 2, "He wants his £35 back."),
    ]
    assert ("My assessment", 1, "findings", 4, 4) in outline(decision)


def test_html() -> None:
    decision = read(PAGE, "page.html")
    assert decision.header == Header(
        "Osmer City Council",
        "24 004 404",
        "Housing",
        "Allocations",
        "Upheld",
        date(2025, 1, 9),
        url="https://decisions.example.org/decisions/housing/24-004-404",
    )
    assert decision.numbering == "markup"
    assert decision.summary == "The Council lost Ms T’s housing form. It has agreed to pay her £100."
    assert outline(decision) == [
        ("The complaint", 1, "complaint", 1, 2),
        ("What I found", 1, "findings", 3, 5),
        ("What happened", 2, "findings", 3, 4),
        ("Analysis", 2, "findings", 5, 5),
        ("Agreed action", 1, "remedy", 6, 6),
        ("Final decision", 1, "decision", 7, 7),
    ]
    assert part(decision, "The complaint") == [
        ("paragraph", 1, "Ms T says the Council:"),
        ("bullet", 1, "lost her form;"),
        ("bullet", 1, "would not look for it; and"),
        ("bullet", 1, "told her that:"),
        ("bullet", 1, "forms were never lost; and"),
        ("bullet", 1, "hers had not come."),
        ("paragraph", 2, "She waited a year."),
    ]
    # Entities, and a table inside a paragraph: a cell a line.
    assert part(decision, "What happened") == [
        ("paragraph", 3, "Ms T sent the form by post & by hand."),
        ("paragraph", 4, "The Council’s log says:"),
        ("line", None, "Day"),
        ("line", None, "Entry"),
        ("line", None, "2 May"),
        ("line", None, "Form <HA1> received"),
    ]
    assert "not words of the decision" not in decision.text
    assert "This website uses cookies" not in decision.text


def test_report() -> None:
    decision = read(REPORT, "15-005-505.txt")
    assert decision.header == Header(
        None,
        "15 005 505",
        "Adult care services",
        "Residential care",
        "Upheld",
        date(2016, 9, 22),
        document_type="report",
    )
    assert (decision.numbering, decision.n_paragraphs) == ("none", 0)
    assert (
        decision.summary
        == "A daughter complained that a council left her father without the care that it had promised him."
    )
    assert outline(decision) == [
        ("The complaint", 1, "complaint", None, None),
        ("Finding", 1, "findings", None, None),
        ("Recommendations", 1, "remedy", None, None),
    ]
    assert [line for line in lines_of(decision) if line[0] == "bullet"] == [
        ("bullet", None, "apologise to Miss G;"),
        ("bullet", None, "pay her £250; and"),
        ("bullet", None, "tell its staff to write before visits stop."),
    ]
    assert decision.text.endswith("response: 14 December 2016")


def test_a_report_without_a_reference_anywhere_is_refused() -> None:
    problem = refused(REPORT, "report.txt")
    assert problem.reason == "no_reference" and "rename the file" in problem.detail


@pytest.mark.parametrize("name", ["15-005-505.txt", "2016/15 005 505.txt", "15_005_505 report.html.txt"])
def test_a_reference_is_read_from_the_name(name: str) -> None:
    assert read(REPORT, name).decision_id == "lgsco/15-005-505"


def test_a_reference_is_read_from_the_address() -> None:
    page = RawPage("a.txt", REPORT.encode(), "https://decisions.example.org/adult-care/15-005-505")
    assert clean(page).header.reference == "15 005 505"


# -- bytes -----------------------------------------------------------------------------------------------------------

ENCODINGS = {
    "utf-8": NUMBERED.encode("utf-8"),
    "utf-8 with a mark": NUMBERED.encode("utf-8-sig"),
    "utf-16": NUMBERED.encode("utf-16"),
    "utf-16 big-endian": b"\xfe\xff" + NUMBERED.encode("utf-16-be"),
    "utf-16 without a mark": NUMBERED.encode("utf-16-le"),
    "utf-32": NUMBERED.encode("utf-32"),
    "windows-1252": NUMBERED.encode("cp1252"),
    "mixed lines": b"\n".join(
        line.encode("cp1252" if i % 2 else "utf-8") for i, line in enumerate(NUMBERED.split("\n"))
    ),
    "windows line ends": NUMBERED.replace("\n", "\r\n").encode("utf-8"),
    "old line ends": NUMBERED.replace("\n", "\r").encode("utf-8"),
    "non-breaking spaces": NUMBERED.replace(" ", "\u00a0").encode("utf-8"),
    "invisible characters": NUMBERED.replace("Council", "Coun\u00adcil\u200b").encode("utf-8"),
    "tabs": NUMBERED.replace("  1. ", "\t1.\t").replace("  2. ", "\t2.\t").encode("utf-8"),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_the_same_words_whatever_the_bytes(name: str) -> None:
    decision, expected = read(ENCODINGS[name]), read(NUMBERED)
    assert decision.text == expected.text
    assert (decision.header, decision.paragraphs, decision.sections) == (
        expected.header,
        expected.paragraphs,
        expected.sections,
    )


def test_latin_1() -> None:
    straight = NUMBERED.replace("’", "'").replace("“", '"').replace("”", '"').replace("•", "·").replace("Mr P", "Mr Pé")
    assert read(straight.encode("latin-1")).text == read(straight).text
    assert "£75" in read(straight.encode("latin-1")).text and "Mr Pé" in read(straight.encode("latin-1")).text


def test_a_page_in_the_character_set_it_declares() -> None:
    page = PAGE.replace('charset="utf-8"', 'charset="windows-1252"').replace("&rsquo;", "’").replace("&pound;", "£")
    assert read(page.encode("cp1252"), "page.html").text == read(PAGE, "page.html").text


def test_straight_and_curly_quotes_give_the_same_structure() -> None:
    straight = read(NUMBERED.replace("’", "'"))
    assert [s[1:] for s in outline(straight)] == [s[1:] for s in outline(read(NUMBERED))]
    assert "The Ombudsman's role and powers" in straight.text


def test_without_blank_lines() -> None:
    dense = read("\n".join(line for line in NUMBERED.split("\n") if line.strip()))
    assert dense.header == read(NUMBERED).header
    assert outline(dense) == outline(read(NUMBERED))


def test_a_marker_on_a_line_of_its_own() -> None:
    apart = read(NUMBERED.replace("  1. ", "  1.\n").replace("  2. ", "  2.\n").replace("    • ", "    •\n"))
    assert apart.text == read(NUMBERED).text and outline(apart) == outline(read(NUMBERED))


# -- lists and tables ------------------------------------------------------------------------------------------------


def test_a_sub_list_numbered_again_with_a_deeper_indent() -> None:
    assert part(read(NUMBERED), "The contract")[:4] == [
        ("paragraph", 6, "The contract counts three kinds of missed bin:"),
        ("bullet", 6, "bins that were not out;"),
        ("bullet", 6, "bins that were blocked; and"),
        ("bullet", 6, "bins that the crew forgot."),
    ]


def test_a_sub_list_numbered_again_at_the_same_indent() -> None:
    flat = read(NUMBERED.replace("      1. ", "  1. ").replace("      2. ", "  2. ").replace("      3. ", "  3. "))
    assert lines_of(flat) == lines_of(read(NUMBERED))


@pytest.mark.parametrize("letters", [("a)", "b)"), ("(a)", "(b)"), ("a.", "b."), ("(i)", "(ii)"), ("i)", "ii)")])
def test_a_lettered_sub_list(letters: tuple[str, str]) -> None:
    decision = read(NUMBERED.replace("    a) ", f"    {letters[0]} ").replace("    b) ", f"    {letters[1]} "))
    assert part(decision, "The contract")[4:] == [
        ("paragraph", 7, "The crew must say which within:"),
        ("bullet", 7, "one day for flats; and"),
        ("bullet", 7, "two days for houses."),
    ]


def test_a_flattened_table_is_kept_line_by_line() -> None:
    assert part(read(NUMBERED), "What happened") == [
        ("paragraph", 8, "The Council gave me these figures for Mr P’s road:"),
        *[("line", None, cell) for cell in ("Month", "Missed bins", "May", "3", "June", "4")],
        ("line", None, "Missed bins were not followed up at the time."),
        ("paragraph", 9, "No one wrote down why. This is fault, which caused Mr P frustration."),
    ]


@pytest.mark.parametrize("bullet", ["•", "·", "▪", "●", "◦", "-", "–", "*", "o"])
def test_bullets_of_all_kinds(bullet: str) -> None:
    assert lines_of(read(NUMBERED.replace("    • ", f"    {bullet} "))) == lines_of(read(NUMBERED))


def test_numbers_that_run_on_in_the_text() -> None:
    counted = iter(range(1, 100))
    lines = [
        f"  {next(counted)}. {line[5:]}" if line.startswith(("  1. ", "  2. ")) else line
        for line in NUMBERED.split("\n")
    ]
    assert lines_of(read("\n".join(lines))) == lines_of(read(NUMBERED))


# -- what stands around the decision ----------------------------------------------------------------------------------

COOKIE_TEXT = """Review your privacy settings

Required cookies

These cookies let the website work. Turn them off in your browser preferences if you like.

View required cookies

Analytical cookies

Google Analytics cookies tell us, in figures only, how visitors use the site.
We recommend you set these 'ON'.

Privacy settings

"""
CONTENTS = "Contents\n\nThe complaint\n\nThe Ombudsman’s role and powers\n\nWhat I found\n\nFinal decision\n\n"
BULLET_CONTENTS = "On this page\n  • The complaint\n  • What I found\n  • Final decision\n"
LINKS = "Skip to main content\nHome\nDecisions\nHome > Decisions > Environment and regulation\n"


@pytest.mark.parametrize("before", [COOKIE_TEXT, CONTENTS, BULLET_CONTENTS, LINKS, COOKIE_TEXT + LINKS + CONTENTS])
@pytest.mark.parametrize("name", ["numbered.txt", "dashed.txt", "cookies.txt"])
def test_furniture_before_the_title(before: str, name: str) -> None:
    decision, expected = read(before + case(name)), read(case(name))
    assert (decision.text, decision.header, decision.sections) == (expected.text, expected.header, expected.sections)


@pytest.mark.parametrize("name", [name for name in DECISIONS if name != "page.html"])
def test_furniture_after_the_decision(name: str) -> None:
    decision = read(case(name) + "\n\nBack to top\n\nPrint this page\n\nLGO logogram\n\n" + COOKIE_TEXT, name)
    assert decision.text == read(case(name), name).text


def test_a_decision_about_cookies_keeps_its_words() -> None:
    decision = read(COOKIES)
    written = COOKIES[COOKIES.index("Summary:") : COOKIES.index("Print this page")].split("\n")
    words = [line.strip(" •").removeprefix("1. ").removeprefix("2. ") for line in written if line.strip()]
    assert [line[2] for line in lines_of(decision)] == [line for line in words if line != "Back to top"]
    assert [s[:2] for s in outline(decision)[2:4]] == [("Cookies", 2), ("Privacy notice", 2)]


def test_a_decision_that_ends_on_cookies_keeps_its_last_words() -> None:
    # Cookie text of the page follows at once, and both talk alike.
    end = "  1. There was fault. The Council will change its cookies and its privacy notice."
    for tail in (COOKIE_TEXT, "Back to top\n\n" + COOKIE_TEXT):
        decision = read(COOKIES[: COOKIES.index(end)] + end + "\n\n" + tail)
        assert decision.text.endswith("The Council will change its cookies and its privacy notice.")


@pytest.mark.parametrize(
    "signature",
    [
        "Investigator's decision on behalf of the Ombudsman",
        "Investigator’s decision on behalf of the Ombudsman",
        "Assistant Ombudsman's decision on behalf of the Ombudsman",
        "Investigator's decision on behalf of the Ombudsmen",
        "Investigator’s decision on behalf of the Local Government and Social Care Ombudsman",
    ],
)
def test_signatures_are_furniture(signature: str) -> None:
    assert read(DASHED + signature + "\n" + signature + "\n").text == read(DASHED).text


# -- the header ------------------------------------------------------------------------------------------------------

SUMMARY = "Mr P complained about bins the Council did not empty."
LABELLED = "Summary: " + SUMMARY


@pytest.mark.parametrize(
    "written",
    [
        LABELLED,
        f"Summary\n\n{SUMMARY}",
        f"Summary:\n{SUMMARY}",
        f"SUMMARY: {SUMMARY}",
        f"summary: {SUMMARY}",
        f"Summary - {SUMMARY}",
    ],
)
def test_how_a_summary_is_labelled(written: str) -> None:
    decision = read(NUMBERED.replace(LABELLED, written))
    assert decision.summary is not None and decision.summary.startswith(SUMMARY)
    assert decision.sections[0].heading == "The complaint"


def test_a_summary_in_lower_case() -> None:
    decision = read(NUMBERED.replace(LABELLED, "Summary: mr P complained about bins."))
    assert decision.summary is not None and decision.summary.startswith("mr P complained about bins.")


def test_a_summary_of_two_paragraphs() -> None:
    more = "He also complained about the noise of the lorry, which came before six."
    decision = read(NUMBERED.replace("pay him £75.\n\nThe complaint", f"pay him £75.\n\n{more}\n\nThe complaint"))
    assert decision.summary is not None and decision.summary.split("\n")[1:] == [more]
    assert [p.section for p in decision.paragraphs[:3]] == ["summary", "summary", "complaint"]


def test_no_summary() -> None:
    decision = read("\n".join(line for line in NUMBERED.split("\n") if not line.startswith("Summary")))
    assert decision.summary is None
    assert decision.text.startswith("The complaint\n") and decision.header.decision == "Upheld"


def test_a_joint_health_case() -> None:
    decision = read(JOINT)
    assert decision.header.organisation == "Osmer Valley (East) Health Trust"
    assert decision.header.reference == "20 012 417a" and decision.decision_id == "lgsco/20-012-417a"
    assert outline(decision) == [
        ("The complaint", 1, "complaint", 1, 1),
        ("The Ombudsmen’s role and powers", 1, "role", 2, 2),
        ("The Ombudsmen’s assessment", 1, "findings", 3, 3),
        ("Final decision", 1, "decision", 4, 4),
    ]
    assert "Ombudsmen's final decision" not in decision.text
    assert decision.text.endswith("The Ombudsmen will not investigate.")


def test_a_title_with_two_bodies() -> None:
    decision = read(
        JOINT.replace(
            "Osmer Valley (East) Health Trust (20 012 417a)", "Osmer Trust (20 012 417a) (Osmer City Council)"
        )
    )
    assert (decision.header.organisation, decision.header.reference) == ("Osmer Trust", "20 012 417a")


@pytest.mark.parametrize("result", ["Upheld", "Not upheld", "Closed after initial enquiries"])
def test_the_decision_is_what_is_printed(result: str) -> None:
    decision = read(DASHED.replace("Decision : Not upheld", f"Decision : {result}"))
    assert decision.header.decision == result


def test_labels_and_values_on_lines_of_their_own() -> None:
    split = NUMBERED.replace(
        "Category : Environment and regulation > Refuse", "Category :\nEnvironment and regulation\n>\nRefuse"
    )
    split = split.replace("Decision : Upheld", "Decision :\nUpheld").replace("date : 03", "date :\n03")
    assert read(split).header == read(NUMBERED).header


def test_a_header_line_that_stands_twice() -> None:
    twice = NUMBERED.replace("Decision : Upheld\n", "Decision : Upheld\nDecision : Upheld\n")
    assert (read(twice).header, read(twice).text) == (read(NUMBERED).header, read(NUMBERED).text)
    split = read("Category :\n" + REPORT, "15-005-505.txt")
    assert split.header == read(REPORT, "15-005-505.txt").header and split.text == read(REPORT, "15-005-505.txt").text


@pytest.mark.parametrize("written", ["03 Feb 2025", "3 February 2025", "03-Feb-2025", "03/02/2025", "2025-02-03"])
def test_how_a_date_is_written(written: str) -> None:
    assert read(NUMBERED.replace("03 Feb 2025", written)).header.decision_date == date(2025, 2, 3)


def test_a_date_that_does_not_exist_is_null() -> None:
    assert read(NUMBERED.replace("03 Feb 2025", "31 Feb 2025")).header.decision_date is None


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("Council (23 011 589)", "23 011 589"),
        ("20-012-417A", "20 012 417a"),
        ("page_23_011_589.html", "23 011 589"),
        ("call 0300 061 0614", None),
        ("123 456 789", None),
    ],
)
def test_references(text: str, reference: str | None) -> None:
    assert reference_in(text) == reference


def test_the_year_in_a_reference() -> None:
    assert (received_year("23 011 589"), received_year(None)) == (2023, None)


# -- headings --------------------------------------------------------------------------------------------------------

HEADINGS = {
    "What I have investigated": "scope",
    "What I have and have not investigated": "scope",
    "Parts of the complaint that I did not investigate": "scope",
    "My assessment": "findings",
    "The Ombudsman's assessment": "findings",
    "The Ombudsman’s assessment": "findings",
    "What I found": "findings",
    "Agreed and recommended actions": "remedy",
    "Recommended action": "remedy",
    "Action": "remedy",
    "My decision": "decision",
    "Complaint background": "other",
    "WHAT I FOUND": "findings",
    "Final decision:": "decision",
}


@pytest.mark.parametrize("heading", HEADINGS)
def test_main_headings(heading: str) -> None:
    text = NUMBERED.replace("How I considered this complaint", heading)
    assert (heading, 1, HEADINGS[heading], 4, 5) in outline(read(text))


def test_an_unknown_heading_among_the_findings_is_a_sub_heading() -> None:
    assert ("Why bins matter", 2, "findings", 8, 9) in outline(
        read(NUMBERED.replace("What happened", "Why bins matter"))
    )


def test_the_word_summary_and_headings_within_sentences_are_no_headings() -> None:
    decision = read(NUMBERED.replace("I read what Mr P", "Final decision or no final decision, I read what Mr P"))
    assert outline(decision) == outline(read(NUMBERED))


# -- HTML ------------------------------------------------------------------------------------------------------------


def same_page(markup: str) -> None:
    """Whether the page gives the lines, numbers and header of the unchanged one."""
    decision, expected = read(markup, "page.html"), read(PAGE, "page.html")
    assert lines_of(decision) == lines_of(expected)
    assert (outline(decision), decision.header, decision.summary) == (
        outline(expected),
        expected.header,
        expected.summary,
    )


def test_lists_without_start_attributes() -> None:
    same_page(
        PAGE.replace(' start="3"', "").replace(' start="5"', "").replace(' start="6"', "").replace(' start="7"', "")
    )


def test_lists_that_all_claim_to_start_at_1() -> None:
    same_page(
        PAGE.replace("<ol>", '<ol start="1">').replace('start="3"', 'start="1"').replace('start="5"', 'start="1"')
    )


def test_items_with_value_attributes() -> None:
    valued = PAGE.replace('<ol start="5"><li>', '<ol><li value="5">').replace(
        '<ol start="6"><li>', '<ol><li value="6">'
    )
    same_page(valued)
    skipping = read(PAGE.replace('<ol start="7"><li>', '<ol><li value="9">'), "page.html")
    assert skipping.sections[-1].first == 9  # the page's number, not a count of ours


def test_sub_lists_that_stand_beside_their_item() -> None:
    same_page(
        PAGE.replace(
            "would not <em>look</em> for it; and</li><li>told her that:\n<ol>",
            "would not <em>look</em> for it; and</li><li>told her that:</li>\n<ol>",
        ).replace("hers had not come.</li></ol></li></ul>", "hers had not come.</li></ol></ul>")
    )


def test_paragraphs_within_items() -> None:
    same_page(PAGE.replace("<li>She waited a year.</li>", "<li><p>She waited a year.</p></li>"))


def test_no_article_element() -> None:
    same_page(PAGE.replace('<article id="article">', '<div id="article">').replace("</article>", "</div>"))
    same_page(PAGE.replace('<article id="article">', "<article>"))
    same_page(PAGE.replace('<article id="article">', "").replace("</article>", ""))


def test_no_article_and_no_main_element() -> None:
    bare = (
        PAGE.replace('<article id="article">', "")
        .replace("</article>", "")
        .replace("<main>", "<div>")
        .replace("</main>", "</div>")
    )
    same_page(bare)


def test_loose_markup() -> None:
    same_page(PAGE.replace("</li>", "").replace("</p>", ""))  # closed by what follows, as HTML allows
    same_page(PAGE.replace("</article></main>", "").replace("</body></html>", ""))
    same_page(PAGE.replace("<ol", "<OL").replace("</ol>", "</OL>").replace("<h2>", "<H2>").replace("</h2>", "</H2>"))


def test_unclosed_lists_lose_nothing() -> None:
    decision = read(PAGE.replace("</ol>", "").replace("</ul>", ""), "page.html")
    assert_tiles(decision)
    assert [line[2] for line in lines_of(decision)] == [line[2] for line in lines_of(read(PAGE, "page.html"))]
    assert decision.n_paragraphs == 7


def test_entities() -> None:
    numeric = (
        PAGE.replace("&nbsp;", "&#160;")
        .replace("&rsquo;", "&#8217;")
        .replace("&pound;", "&#xA3;")
        .replace("&amp; by", "&#38; by")
    )
    same_page(numeric)
    same_page(PAGE.replace("&nbsp;", "\u00a0").replace("&rsquo;", "’").replace("&pound;", "£"))


def test_comments_scripts_and_forms_are_no_words() -> None:
    same_page(
        PAGE.replace(
            "<h2>What I found</h2>",
            "<!-- draft --><h2>What I found</h2><script>x = 1</script><form>Was this useful?</form>",
        )
    )


def test_xhtml_with_a_declaration() -> None:
    same_page('<?xml version="1.0" encoding="iso-8859-1"?>\n' + PAGE)


def test_a_page_without_lists_whose_numbers_are_words() -> None:
    levels = {
        "The complaint": "h2",
        "What I found": "h2",
        "Cookies": "h3",
        "Privacy notice": "h3",
        "Final decision": "h2",
    }
    lines = [line.strip() for line in COOKIES[: COOKIES.index("Print this page")].split("\n")]
    body = "".join(
        f"<{levels.get(line, 'p')}>{line}</{levels.get(line, 'p')}>"
        for line in lines
        if line not in ("", "Back to top")
    )
    decision = read(f"<html><body><article id='article'>{body}</article></body></html>", "page.html")
    assert decision.header == read(COOKIES).header
    assert (decision.n_paragraphs, decision.numbering) == (6, "inferred")
    assert outline(decision) == outline(read(COOKIES)) and decision.summary == read(COOKIES).summary


def test_markup_that_nests_without_end() -> None:
    page = PAGE.replace("<h2>Final decision</h2>", "<div>" * 20_000 + "<h2>Final decision</h2>")
    try:
        assert_tiles(read(page, "page.html"))
    except Unreadable as problem:
        assert problem.reason == "nested_too_deep" and problem.detail


# -- pages that hold no decision ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INDEX_PAGES)
def test_index_pages_are_no_decisions(name: str) -> None:
    assert refused(case(name), name).reason == "not_a_decision"


def test_a_page_of_one_result_is_no_decision() -> None:
    one = "Decisions\nYour search has 1 result\n" + "\n".join(case("index.txt").split("\n")[2:5])
    assert refused(one, "24-001-101.txt").reason == "not_a_decision"


@pytest.mark.parametrize(
    "text",
    [
        "Page not found. The page you are looking for has moved.",
        "Privacy settings\n\nRequired cookies\n",
        "Dear Sir,\n\n1. I write about my bins.\n\nYours, P.",
        "<html><body><h1>404</h1><p>Page not found.</p></body></html>",
        "<html></html>",
    ],
)
def test_other_pages_are_no_decisions(text: str) -> None:
    assert refused(text, "24-001-101.txt").reason == "not_a_decision"


@pytest.mark.parametrize("content", [b"", b"   \n\r\n\t ", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_empty_files(content: bytes) -> None:
    assert refused(content).reason in ("empty", "not_a_decision")


def test_a_truly_empty_file_is_called_empty() -> None:
    assert refused(b"").reason == refused(b" \n").reason == "empty"


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7\n1 0 obj <<>> stream",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
        b"PK\x03\x04word/document.xml",
        bytes(4000),
    ],
    ids=["pdf", "png", "zip", "zeros"],
)
def test_binaries(content: bytes) -> None:
    problem = refused(content)
    assert problem.reason == "binary" and "text or HTML" in problem.detail


# -- the front door --------------------------------------------------------------------------------------------------


def test_read_decision_takes_a_path_or_bytes(tmp_path: Any) -> None:
    path = tmp_path / "15-005-505.txt"
    path.write_text(REPORT, encoding="utf-8")
    assert read_decision(path) == read_decision(str(path)) == read_decision(REPORT.encode(), name="15-005-505.txt")
    with pytest.raises(FileNotFoundError):
        read_decision(tmp_path / "missing.txt")


def test_the_digest_is_that_of_the_raw_bytes() -> None:
    assert read(NUMBERED).sha256 != read(NUMBERED + "\n").sha256
    assert read(NUMBERED).text == read(NUMBERED + "\n").text


def test_a_letter_before_a_heading_makes_it_no_list() -> None:
    text = (
        "Ambleford City Council (21 049 001)\n\nThe Ombudsman’s final decision:\n\nSummary: Mr B complained.\n\n"
        "What I found\n\n  1. It wrote in May.\n\n(a) The wait for an assessment\n\n  1. It took a year.\n\n"
        "b) The reply\n\n  1. It told him of:\n\n(a) The reasons\n\n(b) His right to appeal\n\n  1. It closed.\n"
    )
    decision = read(text)
    assert [(s.heading, s.level, s.first, s.last) for s in decision.sections if s.level == 2] == [
        ("(a) The wait for an assessment", 2, 2, 2),
        ("b) The reply", 2, 3, 4),
    ]
    assert [p.kind for p in decision.paragraphs][-4:] == ["paragraph", "bullet", "bullet", "paragraph"]


def test_a_sum_opens_a_sub_bullet_of_a_dashed_list() -> None:
    text = (
        "Ambleford City Council (21 049 001)\nCategory : Housing > Allocations\nDecision : Upheld\n"
        "Decision date : 12 Apr 2022\nThe Ombudsman’s final decision:\nSummary: Mr B complained.\nAgreed action\n"
        "- Within one month the Council will:\n- pay £300, made up of:\n- £200 to Mr B for his distress;\n"
        "- £100 to Mrs B for hers; and\n- write to both.\n- The Council has agreed.\nFinal decision\n- I uphold it.\n"
    )
    assert [p.kind for p in read(text).paragraphs][2:8] == ["paragraph", *["bullet"] * 4, "paragraph"]

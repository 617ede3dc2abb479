"""Polarity on its own: a table of sentences as investigators write them, and what each says of fault.

`fault` and `no_fault` are verdicts, `both` is a split one, `-` is none: an allegation, a report, law, a supposition.
"""

from __future__ import annotations

import pytest

from pipeline.extract.findings import find
from pipeline.extract.reading import blank, reader_for

CASES = """
# Plain verdicts
fault | The Council was at fault for not answering her emails.
fault | There was fault in how the Council dealt with the review.
fault | This was fault.
fault | I find the Council at fault.
fault | We have found fault by the care provider.
fault | That amounts to fault.
fault | The Council’s delay in making the referral was fault and caused Miss T distress.
fault | I am satisfied that there was fault in the second assessment.
fault | It was fault not to tell the family that the placement had ended.
fault | My view is that the Council was at fault here.
fault | The Council was also at fault in how it kept its records.
fault | The failure to carry out the review was fault.
# Older usage
fault | This was maladministration.
fault | I find maladministration by the Council in the handling of the claim.
fault | The lost application form was a service failure.
fault | It is maladministration to leave such a letter unanswered for a year.
no_fault | I do not find maladministration in the way the grant was calculated.
no_fault | There was no service failure by the housing team.
no_fault | The wait did not amount to maladministration.
no_fault | I see no maladministration or service failure in this.
# No fault
no_fault | There was no fault by the Council.
no_fault | I find no fault in how the panel reached its decision.
no_fault | We have found no fault.
no_fault | There is no fault in the way the scheme was applied.
no_fault | The Council acted without fault.
no_fault | The decision was made without any fault.
no_fault | I have seen no evidence of fault.
no_fault | There is no evidence of fault in the handling of the application.
no_fault | We found no evidence that the Council was at fault.
no_fault | There is not enough evidence of fault to criticise the officer.
no_fault | There is nothing to suggest fault in the way the visit was arranged.
no_fault | No fault was found in the assessment.
no_fault | None of this amounts to fault.
no_fault | Nor was there fault in the letter of 3 May.
# Not at fault
no_fault | The Council was not at fault.
no_fault | The Council is therefore not at fault for the delay.
no_fault | I do not consider the Council was at fault.
no_fault | We do not think that this was fault.
no_fault | It was not fault to ask for a second opinion.
no_fault | That is not, in my view, fault.
no_fault | Neither the Council nor the Trust was at fault.
no_fault | I am not persuaded that the Council was at fault.
no_fault | I am not satisfied that this was fault by the Council.
no_fault | I cannot say the Council was at fault for that.
no_fault | A single missed call does not amount to fault.
no_fault | The short wait does not constitute fault.
no_fault | I do not accept that the Council was at fault.
no_fault | I am not persuaded that the lost page shows any fault by the Council.
# Cannot find fault, do not criticise
no_fault | I cannot find fault with the way it weighed the evidence.
no_fault | We cannot fault the Council’s approach.
no_fault | I do not criticise the Council for waiting for the survey.
no_fault | I cannot criticise the decision.
no_fault | The Council cannot be criticised for following its policy.
no_fault | I am unable to find fault with the calculation.
no_fault | I have no grounds to criticise the panel.
no_fault | We do not find fault with the time this took.
# Double negation
fault | The Council was not without fault.
fault | The home’s handling of the complaint was not free from fault.
fault | I cannot say that there was no fault.
fault | I do not accept that the Council was not at fault.
fault | There is no doubt that this was fault.
fault | It is not in dispute that the Council was at fault.
fault | I have no hesitation in finding fault.
# Split verdicts
both | There was fault in the delay but no fault in the decision itself.
both | The Council was at fault for losing the form, but it was not at fault for asking for another.
both | I find fault in how the meeting was recorded but not in how it was held.
both | There was no fault in the assessment, but the Council was at fault for the time it took.
both | The Council was not at fault for closing the case, although it was at fault for not telling her.
both | I have found no fault in the allocation, but I have found fault in the letter.
# Hedges that are still verdicts
fault | On balance I find the Council at fault.
fault | On the balance of probabilities I consider there was fault.
fault | In my view this falls short of what is expected and is fault.
no_fault | On balance I do not consider this was fault.
# Suppositions
- | If there was fault, we consider whether it caused an injustice.
- | We consider whether there was fault in how the decision was made.
- | Unless there was fault, I cannot question the decision.
- | A refusal to answer would be fault.
- | That could amount to maladministration.
- | It might have been fault if the Council had known.
- | Had there been fault, I would have recommended a payment.
- | I have considered whether the delay was fault.
- | Were I to find fault, I could recommend no more than an apology.
- | Even if the Council was at fault, the outcome would have been the same.
- | But for the fault Ms F would have had the place a year before.
# Allegations and reported speech
- | Mr X says the Council was at fault.
- | Mrs K complains that there was fault in the way the panel decided.
- | She believes the delay was maladministration.
- | Miss P alleges the Council was at fault for losing her file.
- | He told us the Council was at fault and that the officer had lied.
- | The family say the home was at fault for the fall.
- | According to Mr D, this was a service failure.
- | In her view the Council was at fault.
- | Her complaint is that the Council was at fault.
- | It was fault, says Mr Q, to leave the gate open.
- | The decision was wrong, she says.
- | Mr B feels that the Council took too long.
- | Her solicitor argued that the decision was maladministration.
- | Commenting on my draft, Mr W said the Council was at fault.
# What the organisation says
- | The Council says it was not at fault.
- | The Council does not accept it was at fault.
- | The Council told us there was no fault by its officers.
- | The Trust denied that it was at fault.
- | The Council considers that it was not at fault.
- | The Council said it had found no fault.
fault | The Council did not accept it was at fault, but I find it was.
fault | The Council says it was not at fault, but I consider that it was at fault.
fault | The Council denies fault, but I find the delay was fault.
fault | The Council accepts it was at fault.
fault | The Council accepts that this was fault and has apologised.
fault | The Council has acknowledged fault in the way it communicated.
fault | Mr X says the Council was at fault, and I agree that it was at fault.
no_fault | Mr X says the Council was at fault, but I do not find that it was at fault.
no_fault | Although Mrs B says the Council was at fault, I find no fault.
# Stage responses
- | At stage two the Council accepted that it was at fault.
- | At stage one it said there had been no fault.
- | Its stage one response found that the officer was at fault.
- | The stage two letter accepted there had been fault in the visit.
- | The Council’s final reply said that it was not at fault.
- | The Council upheld her complaint and found fault.
# Law, guidance and the standard role text
- | The Code says a panel is at fault when it hears a case unfairly.
- | The guidance says that a delay of this kind would be fault.
- | If there has been fault and it caused an injustice, we may propose a remedy.
- | We cannot question whether a council’s decision is right or wrong simply because the complainant disagrees with it.
- | We must consider whether there was fault in the way the decision was reached.
- | We investigate complaints about maladministration and service failure.
- | There has to be both fault and injustice before we may recommend a remedy.
- | Our role is to look at the fault of the Council and not at that of its officers.
- | When a council arranges care with a private company it remains responsible for faults in that care.
- | We use the word fault to refer to maladministration and service failure.
# Other bodies, other faults
- | The school was not at fault.
- | The police were at fault for losing the statement.
- | The landlord was at fault.
- | The Housing Ombudsman found maladministration by the landlord.
- | The fault in the boiler was reported on Monday.
- | An electrical fault put the lift out of use.
- | She lost her home through no fault of her own.
- | The landlord failed to carry out the works.
# Verdicts without the word
fault | The Council was wrong to refuse her application.
fault | The Council took too long to reply.
fault | Five months was far too long.
fault | The service fell well short of what she could expect.
fault | The Council significantly delayed the assessment.
fault | There was unreasonable delay in finding a tutor.
fault | The records were inadequate.
fault | It should have told Mrs L the outcome and did not.
fault | There is no excuse for leaving the file untouched.
fault | The Council’s failings caused Ms G distress.
fault | I uphold this complaint.
fault | The panel refused the appeal without considering the medical letter.
fault | The wrong advice cost her two months on the list.
fault | There is nothing to show that the officer considered the loss of light.
no_fault | The Council was entitled to reach that decision.
no_fault | There was no undue delay by the Council.
no_fault | The Council did nothing wrong.
no_fault | I do not uphold this part of the complaint.
no_fault | The Council properly considered the objections and gave reasons.
no_fault | There was nothing wrong with the way the site was measured.
no_fault | That was a decision it was entitled to take.
no_fault | The Council did not fail to consult the neighbours.
no_fault | The care was of an appropriate standard.
# Verdicts in two parts, and what stands between
both | Apart from the late papers, there was no fault in how the Council dealt with the appeal.
both | Save for the missed review, we have found no fault by the Council.
fault | We do not think that anyone should have been left without cover and, in so far as it goes, this was fault.
no_fault | He was entitled to decide that the use was incidental.
no_fault | There is no substance in the complaint that the report was ignored.
# Plain narration
- | The Council wrote to Mr P on 4 March.
- | An officer visited the property in May.
- | Mrs R sent the form back the same week.
- | The panel met on 12 June and heard from both sides.
- | Councils must act without undue delay.
- | The tribunal dismissed the appeal.
- | Mr H did not reply until August.
- | The Council offered to meet the family.
"""


def _cases() -> list[tuple[str, str]]:
    rows = [line.split(" | ", 1) for line in CASES.strip().splitlines() if not line.startswith("#")]
    return [(expected, sentence) for expected, sentence in rows]


@pytest.fixture(scope="module")
def polarity():  # type: ignore[no-untyped-def]
    nlp = blank()
    reader = reader_for(nlp)

    def say(sentence: str) -> str:
        said = {finding.polarity for finding in find(nlp.make_doc(sentence), reader)}
        return "both" if len(said) == 2 else next(iter(said), "-")

    return say


def test_the_table_is_long_enough() -> None:
    cases = _cases()
    assert len(cases) >= 120
    assert {expected for expected, _ in cases} == {"fault", "no_fault", "both", "-"}
    assert len({sentence for _, sentence in cases}) == len(cases)


@pytest.mark.parametrize(("expected", "sentence"), _cases(), ids=[sentence for _, sentence in _cases()])
def test_polarity(polarity, expected: str, sentence: str) -> None:  # type: ignore[no-untyped-def]
    assert polarity(sentence) == expected


@pytest.mark.parametrize(
    ("expected", "sentence"),
    [
        ("fault", "The Council was at fault for the delay."),
        ("no_fault", "The Council was not at fault for the delay."),
        ("no_fault", "I cannot find fault with the decision."),
        ("-", "Mr X says the Council was at fault."),
    ],
)
def test_curly_and_straight_marks_read_alike(polarity, expected: str, sentence: str) -> None:  # type: ignore[no-untyped-def]
    for before, after in (
        ("not at", "not at"),
        ("Council", "Council’s housing team"),
        ("Council", "Council's housing team"),
    ):
        assert polarity(sentence.replace(before, after)) == expected


def test_what_somebody_else_wrote_in_quotation_marks_is_no_verdict(polarity) -> None:  # type: ignore[no-untyped-def]
    assert polarity("Her email to the Council had the heading “Fault in my assessment”.") == "-"

import os

import pytest

from tests.badfiles.judge import READ, REFUSED, outcome
from tests.badfiles.mutations import CASES
from tests.badfiles.realfiles import REAL, REAL_CASES
from tests.badfiles.wellformed import KINDS


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.mutation}-{case.kind}")
def test_a_mutated_file_is_read_right_or_refused(case):
    assert outcome(case) == (READ if case.place is None else REFUSED)


def test_the_corpus_reaches_every_kind_of_file():
    assert {case.kind for case in CASES} == set(KINDS)
    assert len({case.mutation for case in CASES}) >= 60


# One real file for each mutation; all of them where more examples are asked for, and in the table.
SOME = list({case.mutation: case for case in reversed(REAL_CASES)}.values())


@pytest.mark.parametrize(
    "case", REAL_CASES if "AMUCL_FUZZ_EXAMPLES" in os.environ else SOME, ids=lambda case: f"{case.mutation}-{case.kind}"
)
def test_a_mutated_real_file_is_read_right_or_refused(case):
    assert outcome(case, REAL[case.kind]) == (READ if case.place is None else REFUSED)

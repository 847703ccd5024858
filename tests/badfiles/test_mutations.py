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


@pytest.mark.parametrize("case", REAL_CASES, ids=lambda case: f"{case.mutation}-{case.kind}")
def test_a_mutated_real_file_is_read_right_or_refused(case):
    assert outcome(case, REAL[case.kind]) == (READ if case.place is None else REFUSED)

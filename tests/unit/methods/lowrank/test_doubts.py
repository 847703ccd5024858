import pytest

from amucl.methods.lowrank.doubts import doubts, solver_warnings

GOOD = {"gap": 0.005, "rank": 12, "samples": 100, "contrast": 5.0, "unrepresented": 0, "pieces": 1, "converged": True}


def test_a_good_solution_draws_no_doubt():
    assert doubts(GOOD, 3) == {}
    assert solver_warnings(GOOD, [2, 3]) == {2: "", 3: ""}


@pytest.mark.parametrize(
    ("solution", "k", "expected"),
    [
        ({"converged": False, "gap": 0.0312}, 3, "not converged: the certified gap is 0.03"),
        ({"rank": 3}, 4, "low rank: Z has rank 3, below k"),
        ({"rank": 91}, 2, "near identity: each sample represents itself (rank 91 of 100)"),
        ({"rank": 0}, 2, "rank 0: Z = 0, no sample is represented"),
        ({"unrepresented": 2}, 2, "unrepresented: 2 samples have no affinity and joined the largest cluster"),
        ({"pieces": 4}, 3, "pieces: the affinity falls into 4 parts, more than k, joined arbitrarily"),
        (
            {"rank": 40, "contrast": 0.87},
            2,
            "chance: affinities as between random directions (contrast 0.87)",
        ),
        (
            {"rank": 2, "converged": False},
            3,
            "low rank: Z has rank 2, below k; not converged: the certified gap is 0.005",
        ),
    ],
)
def test_each_doubt_is_named_with_its_evidence(solution, k, expected):
    assert solver_warnings(GOOD | solution, [k])[k] == expected


def test_low_rank_is_doubted_only_where_k_exceeds_it():
    assert solver_warnings(GOOD | {"rank": 3}, [2, 3, 4])[3] == ""

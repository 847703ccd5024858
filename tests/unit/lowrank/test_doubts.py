from amucl.lowrank.doubts import doubts


def test_a_good_solution_draws_no_doubt():
    assert doubts({"gap": 0.005, "rank": 12, "samples": 100, "converged": True}, [2, 3]) == {2: "", 3: ""}


def test_each_doubt_is_named_where_it_holds():
    found = doubts({"gap": 0.0312, "rank": 3, "samples": 100, "converged": False}, [2, 4])
    assert found[2] == "unsolved: not converged (certified gap 0.03)"
    assert found[4] == "unsolved: not converged (certified gap 0.03); low rank: Z has rank 3, below k"
    identity = doubts({"gap": 0.001, "rank": 91, "samples": 100, "converged": True}, [5])
    assert identity == {5: "identity: each sample represents itself (rank 91 of 100)"}

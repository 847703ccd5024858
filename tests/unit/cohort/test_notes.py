from amucl.cohort.notes import Note, note_table


def test_a_note_is_a_row_and_a_line():
    note = Note("clinical", "unknown words", 3, "3 cells read as unknown: '-- (3)")
    assert note.line == "clinical: 3 cells read as unknown: '-- (3)"
    assert note_table("mine", [note]).to_dict("records") == [
        {"dataset": "mine", "source": "clinical", "what": "unknown words", "n": 3, "note": note.note}
    ]
    assert list(note_table("mine", []).columns) == ["dataset", "source", "what", "n", "note"]

import pytest

from amucl.cohort.ids.barcodes import Barcode, choose_tumour_samples, parse_barcode


@pytest.mark.parametrize(
    "text",
    [
        "TCGA-AB-2803-03",
        "TCGA.AB.2803.03",
        "tcga_ab_2803_03",
        "TCGA-AB-2803-03A",
        "TCGA-AB-2803-03A-01R-0740-21",
        " TCGA.ab.2803.03b ",
    ],
)
def test_every_spelling_of_a_sample_is_read(text):
    assert parse_barcode(text) == Barcode("TCGA-AB-2803", "TCGA-AB-2803-03", "03")


def test_patient_level_barcode_has_no_sample_type():
    assert parse_barcode("tcga.ol.a66h") == Barcode("TCGA-OL-A66H", "TCGA-OL-A66H", None)


@pytest.mark.parametrize("text", ["", "subject1", "TCGA", "TCGA-AB-280", "TCGA-AB-2803-3", "XTCGA-AB-2803-03", "V160"])
def test_other_ids_are_no_barcodes(text):
    assert parse_barcode(text) is None


def test_every_id_gets_one_row_with_status_and_reason():
    ids = [
        "TCGA.AA.0001.11",
        "TCGA.AA.0001.01",
        "TCGA.AA.0002.02",
        "TCGA.AA.0003.06",
        "TCGA.AA.0003.01",
        "subject1",
        "tcga.aa.0004",
    ]
    table = choose_tumour_samples(ids)
    assert table["column"].to_list() == ids
    assert table["status"].to_list() == ["dropped", "kept", "dropped", "dropped", "kept", "dropped", "kept"]
    assert table["reason"].to_list() == [
        "normal tissue (sample type 11)",
        "",
        "sample type 02 is not among 01, 03, 06",
        "the patient is represented by TCGA.AA.0003.01",
        "",
        "not a TCGA barcode",
        "barcode without a sample type, taken as a tumour",
    ]
    assert table.loc[table["status"] == "kept", "sample"].to_list() == [
        "TCGA-AA-0001-01",
        "TCGA-AA-0003-01",
        "TCGA-AA-0004",
    ]


def test_order_of_sample_types_decides_then_the_barcode():
    ids = ["TCGA-AA-0001-01B", "TCGA-AA-0001-06A", "TCGA-AA-0001-01A"]

    def kept(**options):
        table = choose_tumour_samples(ids, **options)
        return table.loc[table["status"] == "kept", "column"].to_list()

    assert kept() == ["TCGA-AA-0001-01A"]
    assert kept(sample_types=("06", "01")) == ["TCGA-AA-0001-06A"]
    assert kept(prefer={"TCGA-AA-0001": "06"}) == ["TCGA-AA-0001-06A"]


def test_normals_can_be_asked_for():
    table = choose_tumour_samples(["TCGA-AA-0001-11"], sample_types=("11",))
    assert table["status"].to_list() == ["kept"]


def test_an_id_given_twice_is_kept_once():
    table = choose_tumour_samples(["TCGA-AA-0001-01", "TCGA.AA.0001.01"])
    assert table["status"].value_counts().to_dict() == {"kept": 1, "dropped": 1}

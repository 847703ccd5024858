import io
import stat
import tarfile
import zipfile

import pytest

from amucl.cohort.readers.archives import member_names, read_members, read_tar
from amucl.errors import AmuclError


@pytest.fixture
def archive(tmp_path):
    def make(members, name="a.zip"):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as opened:
            for member, text in members.items():
                opened.writestr(member, text)
        return tmp_path / name

    return make


def read(path, *wanted, max_bytes=1000, **options):
    return read_members(path, wanted, max_bytes=max_bytes, **options)


def test_folders_tell_members_of_one_name_apart(archive):
    path = archive({"all/aml/EM.txt": "1", "all/laml/EM.txt": "2", "gbm/": "", "gbm/Em.TXT": "3"})
    assert read(path, "aml/EM.txt", "gbm/EM.txt", "laml/em.txt") == {
        "aml/EM.txt": "1",
        "gbm/EM.txt": "3",
        "laml/em.txt": "2",
    }
    with pytest.raises(AmuclError, match=r"a\.zip: two members are called EM\.txt; got all/aml/EM\.txt, all/laml/EM"):
        read(path, "EM.txt")
    assert sorted(path.parent.iterdir()) == [path]


def test_names_without_folders_and_what_a_finder_leaves(archive):
    assert member_names(archive({"a/": "", "a/x": "1", "__MACOSX/a/x": "2", "b\\y": "3"})) == ["a/x", "b\\y"]


def test_absent_member_and_what_to_do(archive):
    path = archive({"exp": "1"})
    with pytest.raises(AmuclError) as error:
        read(path, "exp", "methy", advice={"methy": "leave it out"})
    assert str(error.value) == f"{path}: the archive has no member methy; expected methy; got exp; leave it out"
    with pytest.raises(AmuclError, match=r"got an empty archive$"):
        read(archive({}), "exp")


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "..\\x", "\\x", "C:\\x"])
def test_a_member_outside_is_refused_even_if_it_is_not_wanted(archive, name):
    path = archive({"fine": "1", name: "2"})
    for call in (lambda: read(path, "fine"), lambda: member_names(path)):
        with pytest.raises(AmuclError, match="a member lies outside the archive"):
            call()


def test_links_large_encrypted_and_binary_members(archive):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(AmuclError, match="a member is a symbolic link; got link"):
        read(archive({"fine": "1", link: "/etc/passwd"}), "fine")
    path = archive({"big": "x" * 1001, "small": "x" * 1000, "binary": b"\xff\xfe\x00"})
    assert len(read(path, "small")["small"]) == 1000
    with pytest.raises(AmuclError, match=r"a\.zip:big: the member is too large; expected at most 1000 bytes; got 1001"):
        read(path, "big")
    with pytest.raises(AmuclError, match=r"a\.zip:binary, line 1: not UTF-8 text"):
        read(path, "binary")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(AmuclError, match=r"a\.zip:big: the member is encrypted"):
        read(path, "big")


def test_not_an_archive_and_a_truncated_one(archive, tmp_path):
    path = archive({"exp": "1 2 3" * 100})
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(AmuclError, match=r"a\.zip: damaged or truncated zip archive"):
        member_names(path)
    path.write_bytes(b"a web page")
    with pytest.raises(AmuclError, match=r"a\.zip: not a zip archive.*download it again"):
        read(path, "exp")
    with pytest.raises(AmuclError, match=r"none\.zip: archive does not exist"):
        member_names(tmp_path / "none.zip")


@pytest.fixture
def tar(tmp_path):
    def make(members, **types):
        with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as opened:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.type, member.size = types.get(name, tarfile.REGTYPE), len(content)
                opened.addfile(member, io.BytesIO(content))
        return tmp_path / "a.tar.gz"

    return make


def test_members_of_a_tar_are_found_by_the_end_of_their_path(tar):
    path = tar(
        {"pkg": b"", "pkg/data/x.rda": b"1", "pkg/other/x.rda": b"2", "pkg/data/max.rda": b"3"}, pkg=tarfile.DIRTYPE
    )
    assert read_tar(path, ["data/x.rda", "data/max.rda"], max_bytes=10) == {"data/x.rda": b"1", "data/max.rda": b"3"}
    with pytest.raises(AmuclError, match=r"a\.tar\.gz: two members are called x\.rda"):
        read_tar(path, ["x.rda"], max_bytes=10)
    with pytest.raises(AmuclError, match=r"the archive lacks files; expected data/x\.rda, y; got no y$"):
        read_tar(path, ["data/x.rda", "y"], max_bytes=10)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "..\\x", "C:\\x"])
def test_a_tar_member_outside_is_refused_even_if_it_is_not_wanted(tar, name):
    with pytest.raises(AmuclError, match="a member lies outside the archive"):
        read_tar(tar({"fine": b"1", name: b"2"}), ["fine"], max_bytes=10)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar(tar, kind):
    with pytest.raises(AmuclError, match="a member is neither a file nor a folder; got odd"):
        read_tar(tar({"fine": b"1", "odd": b""}, odd=kind), ["fine"], max_bytes=10)


def test_large_and_damaged_tars(tar, tmp_path):
    path = tar({"big": bytes(3_000_000), "fine": b"1"})
    with pytest.raises(AmuclError, match="the archive is too large; expected at most 1000000 bytes"):
        read_tar(path, ["fine"], max_bytes=1_000_000)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(AmuclError, match=r"not a \.tar\.gz archive, or a damaged one; .* download it again"):
        read_tar(path, ["fine"], max_bytes=4_000_000)
    path.write_bytes(b"PK")
    with pytest.raises(AmuclError, match=r"not a \.tar\.gz archive, or a damaged one"):
        read_tar(path, ["fine"], max_bytes=10)

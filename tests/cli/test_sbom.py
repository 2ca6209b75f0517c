"""`slipway sbom`."""

import json


def test_of_a_directory(call, tmp_path):
    info = tmp_path / "root/usr/lib/python3/requests-2.32.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: requests\nVersion: 2.32.3\n")
    shown = json.loads(call("sbom", f"dir:{tmp_path}/root").out)
    assert [row["purl"] for row in shown["components"]] == ["pkg:pypi/requests@2.32.3"]
    call("sbom", f"dir:{tmp_path}/root", "--output", str(tmp_path / "x.json"))
    assert json.loads((tmp_path / "x.json").read_text()) == shown
    again = json.loads(call("sbom", f"sbom:{tmp_path}/x.json").out)
    assert again["components"] == shown["components"]


def test_of_nothing(call):
    done = call("sbom", "NO:SUCH")
    assert done.status == 2
    assert "not in the store" in done.err

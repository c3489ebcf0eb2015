"""A bundle is read whole or refused with a reason."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from capture.errors import Misuse
from models.bundles import files, golden
from models.bundles.bundle import read_bundle
from models.bundles.library import Library
from models.content import drafts, factory
from models.content.kinds import MOST
from tests.unit.models.bundles import networks


def refused(folder: Path) -> str:
    with pytest.raises(Misuse) as caught:
        networks.load(folder)
    assert caught.value.text.zh != caught.value.text.en
    return caught.value.code


def test_a_bundle_says_what_it_is(tmp_path: Path) -> None:
    bundle = networks.load(networks.write(tmp_path / "two-maps"))
    assert (bundle.name, bundle.version) == ("two-maps", "0.1.0")
    outputs = bundle.metadata.network_data_format.outputs
    assert outputs["maps"].channels == ("bright", "dark")
    assert bundle.fingerprint.sha256 == bundle.sha256 and len(bundle.sha256) == 64


def test_any_change_of_any_file_is_another_bundle(tmp_path: Path) -> None:
    folder = networks.write(tmp_path / "two-maps")
    before = networks.load(folder).sha256
    (folder / "docs").mkdir()
    (folder / "docs/README.md").write_text("# Card")
    card = networks.load(folder).sha256
    (folder / "docs/README.md").rename(folder / "docs/README.txt")
    assert len({before, card, networks.load(folder).sha256}) == 3


@pytest.mark.parametrize("missing", ["configs/metadata.json", "models/model.onnx"])
def test_what_a_bundle_must_have(tmp_path: Path, missing: str) -> None:
    folder = networks.write(tmp_path / "two-maps")
    (folder / missing).unlink()
    assert refused(folder) == "content.lacks"


DEMANDED = [key for key in networks.metadata() if key not in ("description",)]


@pytest.mark.parametrize("key", DEMANDED)
def test_the_metadata_that_monais_specification_demands(tmp_path: Path, key: str) -> None:
    described = networks.metadata(**{key: None})
    assert refused(networks.write(tmp_path / "two-maps", described=described)) == "bundle.metadata"


@pytest.mark.parametrize(
    "key",
    ["type", "format", "num_channels", "spatial_shape", "dtype", "value_range", "is_patch_data", "channel_def"],
)
def test_the_tensor_specifiers_that_it_demands(tmp_path: Path, key: str) -> None:
    described = networks.metadata()
    del described["network_data_format"]["outputs"]["maps"][key]
    assert refused(networks.write(tmp_path / "two-maps", described=described)) == "bundle.metadata"


def test_the_specifications_own_example_is_taken(tmp_path: Path) -> None:
    """Shapes as expressions, optional packages, an output without modality, keys of its own."""
    described = networks.metadata(
        required_packages_version=None,
        optional_packages_version={"nibabel": "3.2.1"},
        eval_metrics={"mean_dice": 0.96},
    )
    described["network_data_format"]["inputs"]["image"]["spatial_shape"] = ["2**n", "*"]
    bundle = networks.load(networks.write(tmp_path / "spleen_ct", described=described))
    assert bundle.run({"image": networks.picture()})["mean"].shape == (1, 1)


def test_too_large_says_what_to_leave_out(tmp_path: Path) -> None:
    folder = networks.write(tmp_path / "two-maps")
    with (folder / "models/model.onnx").open("r+b") as stream:
        stream.truncate(MOST["bundle"])  # sparse: it has no blocks on the disk
    with pytest.raises(Misuse, match=r"model\.pt"):
        networks.load(folder)


@pytest.mark.parametrize("name", ["models/model.pt", "scripts/run.py", "docs/card.html", "configs/deep/a.json"])
def test_what_content_never_has(tmp_path: Path, name: str) -> None:
    folder = networks.write(tmp_path / "two-maps")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"1")
    assert refused(folder) == "content.kind"


@pytest.mark.parametrize("target", ["/etc/hostname", "model.onnx"])
def test_a_link_leads_nowhere(tmp_path: Path, target: str) -> None:
    folder = networks.write(tmp_path / "two-maps")
    (folder / "models/other.onnx").symlink_to(target)
    assert refused(folder) == "content.file"


def test_a_linked_folder_is_not_followed(tmp_path: Path) -> None:
    folder = networks.write(tmp_path / "two-maps")
    (tmp_path / "outside").mkdir()
    (folder / "goldens").symlink_to(tmp_path / "outside")
    assert refused(folder) == "content.file"


@pytest.mark.parametrize("name", ["..", "a b", "x" * 61, "网络"])
def test_names_that_could_mislead(tmp_path: Path, name: str) -> None:
    folder = networks.write(tmp_path / "deep" / "two-maps")
    target = folder / name if name == ".." else folder.rename(tmp_path / name)
    with pytest.raises(Misuse):
        networks.load(target)


def test_external_weights_are_refused_before_onnxruntime_looks_for_them(tmp_path: Path) -> None:
    folder = networks.write(tmp_path / "two-maps")
    networks.save_external(networks.two_maps(), folder / "models/model.onnx")
    assert refused(folder) == "content.kind"  # the weights beside it
    (folder / "models/weights.bin").unlink()
    assert refused(folder) == "bundle.external"


def test_a_path_out_of_the_folder_is_refused_too(tmp_path: Path) -> None:
    model = networks.two_maps()
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../../../etc/passwd")
    assert refused(networks.write(tmp_path / "two-maps", model)) == "bundle.external"


def test_external_tensors_hidden_in_an_attribute_of_a_branch(tmp_path: Path) -> None:
    secret = helper.make_tensor("t", TensorProto.FLOAT, [1], [0.0])
    secret.data_location = TensorProto.EXTERNAL
    branch = helper.make_graph([helper.make_node("Constant", [], ["c"], value=secret)], "branch", [], [])
    model = networks.two_maps()
    model.graph.node.append(helper.make_node("If", ["b"], ["c"], then_branch=branch, else_branch=branch))
    assert refused(networks.write(tmp_path / "two-maps", model)) == "bundle.external"


@pytest.mark.parametrize("domain", ["com.microsoft", "evil.example"])
def test_operators_of_other_domains_are_refused(tmp_path: Path, domain: str) -> None:
    model = networks.two_maps()
    model.graph.node.append(helper.make_node("Gelu", ["image"], ["other"], domain=domain))
    model.opset_import.append(helper.make_opsetid(domain, 1))
    assert refused(networks.write(tmp_path / "two-maps", model)) == "bundle.operators"


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"\x80" * 50, b"\x3a\xff\xff\xff\xff\x0f", b'{"a": 1}', bytes(100)]
)
def test_what_is_no_onnx_file(tmp_path: Path, content: bytes) -> None:
    folder = networks.write(tmp_path / "two-maps")
    (folder / "models/model.onnx").write_bytes(content)
    assert refused(folder) == "bundle.onnx"


def test_every_cut_of_the_network_is_refused_in_words(tmp_path: Path) -> None:
    """A file damaged on the way ends in Misuse, here or when it is first run, never in anything else."""
    whole = networks.two_maps().SerializeToString()
    folder = networks.write(tmp_path / "two-maps")
    for length in range(0, len(whole), 7):
        (folder / "models/model.onnx").write_bytes(whole[:length])
        with pytest.raises(Misuse):
            networks.load(folder).run({"image": networks.picture()})


def test_the_seal_is_checked_and_is_what_sha256sum_writes(tmp_path: Path) -> None:
    folder = networks.write(tmp_path / "two-maps")
    unsealed = networks.load(folder).sha256
    files.seal(folder)
    assert networks.load(folder).sha256 == unsealed
    subprocess.run(["sha256sum", "--check", "--strict", files.SEAL], cwd=folder, check=True, capture_output=True)
    (folder / "models/model.onnx").write_bytes(networks.two_maps(("a", "b", "c")).SerializeToString())
    assert refused(folder) == "bundle.seal"


def test_a_file_that_the_seal_does_not_name_breaks_it(tmp_path: Path) -> None:
    folder = networks.write(tmp_path / "two-maps")
    files.seal(folder)
    (folder / "configs/more.json").write_text("{}")
    assert refused(folder) == "bundle.seal"


def test_what_runs_is_what_was_read_whatever_happens_to_the_folder(tmp_path: Path) -> None:
    folder = networks.write(tmp_path / "two-maps")
    bundle = networks.load(folder)
    (folder / "models/model.onnx").write_bytes(bytes(10))
    assert bundle.run({"image": networks.picture()}).keys() == {"maps", "mean"}


def test_a_library_has_each_name_once(tmp_path: Path) -> None:
    networks.write(tmp_path / "one/two-maps")
    networks.write(tmp_path / "two/two-maps")
    once = drafts.networks([tmp_path / "one"])
    assert once.get("two-maps") is not None and once.get("other") is None
    with pytest.raises(Misuse, match="two bundles"):
        Library([*once, *drafts.networks([tmp_path / "two/two-maps"])])
    with pytest.raises(Misuse, match="no rule pack, network"):
        drafts.networks([tmp_path / "nowhere"])


def test_our_own_bundles_are_sealed_small_and_prove_themselves() -> None:
    """Whatever ships: a seal, a card, goldens that hold on this machine, at most 12 MB."""
    for package in factory.bundles():
        assert (factory.BUNDLES / package.name / files.SEAL).is_file(), package.name
        assert "docs/README.md" in package.files and package.length <= factory.BUNDLE_MOST
        held = golden.check(read_bundle(package), package.files)
        assert held and all(one.holds for one in held), (package.name, held)


def goldens_of(folder: Path) -> tuple[golden.Held, ...]:
    package = networks.package(folder)
    return golden.check(read_bundle(package), package.files)


def test_goldens_hold_or_say_by_how_much_not(tmp_path: Path) -> None:
    folder = networks.write(tmp_path / "two-maps")
    assert goldens_of(folder) == ()
    image = networks.picture()
    outputs = networks.load(folder).run({"image": image})
    golden.save(folder / "goldens/noise.npz", {"image": image}, outputs)
    golden.save(
        folder / "goldens/off.npz", {"image": image}, outputs | {"mean": outputs["mean"] + np.float32(0.25)}
    )
    first, second = goldens_of(folder)
    assert first.holds and first.name == "goldens/noise.npz"
    assert not second.holds and second.difference == pytest.approx(0.25, abs=1e-3)


def npz(**arrays: Any) -> Any:
    def write(path: Path) -> None:
        np.savez(path, **arrays)

    return write


def torn(path: Path) -> None:
    """A golden whose packed bytes were damaged: its directory is whole."""
    golden.save(path, {"image": networks.picture()}, {"mean": np.zeros((1, 1), np.float32)})
    raw = bytearray(path.read_bytes())
    raw[80:90] = b"\xff" * 10
    path.write_bytes(bytes(raw))


@pytest.mark.parametrize(
    "write",
    [
        torn,
        lambda path: path.write_bytes(b"no zip"),
        npz(other=np.zeros(1)),
        npz(**{"input.image": np.zeros((1, 1, 32, 32), np.float32)}),
        npz(**{"input.image": np.zeros((1, 1, 32, 32), np.float32), "output.maps": np.zeros((1, 2, 32, 32))}),
        npz(**{"input.image": np.array([{}], object), "output.mean": np.zeros(1)}),
    ],
)
def test_a_golden_that_is_none(tmp_path: Path, write: Any) -> None:
    folder = networks.write(tmp_path / "two-maps")
    (folder / "goldens").mkdir()
    write(folder / "goldens/bad.npz")
    with pytest.raises(Misuse) as caught:
        goldens_of(folder)
    assert caught.value.code == "bundle.golden"


def test_metadata_that_is_no_json(tmp_path: Path) -> None:
    folder = networks.write(tmp_path / "two-maps")
    (folder / "configs/metadata.json").write_text(json.dumps(networks.metadata())[:-1])
    assert refused(folder) == "bundle.metadata"

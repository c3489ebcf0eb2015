"""The networks: shapes, size, and that each part has its gradient."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.training.nets import Activated, MobileNetV3Small, unet
from models.training.nets.heads import Activation


def parameters(network: nn.Module) -> int:
    return sum(one.numel() for one in network.parameters())


def test_unet_keeps_the_side_and_is_small() -> None:
    network = unet(1, 8)
    assert network(torch.zeros(2, 1, 64, 96)).shape == (2, 8, 64, 96)
    assert parameters(network) < 700_000


def test_mobilenet_is_the_one_of_the_paper() -> None:
    """Howard et al. 2019 give 2.5 million with their head of 1,280 x 1,000; the body alone has 927 thousand."""
    body = parameters(MobileNetV3Small((1,), channels_in=3)) - parameters(nn.Linear(576, 256)) - 257
    assert body == 927_008


def test_mobilenet_answers_each_question_and_gives_maps() -> None:
    network = MobileNetV3Small((5, 8, 1)).eval()
    assert [tuple(answer.shape) for answer in network(torch.zeros(2, 1, 64, 64))] == [(2, 5), (2, 8), (2, 1)]
    stages = [tuple(stage.shape[1:]) for stage in network.stages(torch.zeros(1, 1, 64, 64))]
    assert stages == [(16, 32, 32), (16, 16, 16), (24, 8, 8), (48, 4, 4), (576, 2, 2)]


@pytest.mark.parametrize("network", [unet(1, 2, (4, 8, 16)), MobileNetV3Small((2,))])
def test_everything_learns(network: nn.Module) -> None:
    torch.manual_seed(0)
    found = network.train()(torch.rand(4, 1, 32, 32))
    (found if isinstance(found, torch.Tensor) else found[0]).square().sum().backward()
    assert all(
        one.grad is not None and one.grad.abs().sum() > 0 for one in network.parameters() if one.numel() > 64
    )


@pytest.mark.parametrize("body", [nn.Conv2d(1, 2, 1), MobileNetV3Small((2,))])
def test_logits_while_training_probabilities_afterwards(body: nn.Module) -> None:
    softmax: Activation = nn.Softmax(dim=1)
    network = Activated(body, (softmax,))
    picture = torch.rand(4, 1, 32, 32)
    (logits,) = network.train()(picture)
    assert not torch.allclose(logits.sum(dim=1), torch.ones(()))
    (answers,) = network.eval()(picture)
    assert torch.allclose(answers.sum(dim=1), torch.ones(()))

"""What turns a network's logits into the probabilities that its bundle promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

Activation = Callable[[Tensor], Tensor]


class Activated(nn.Module):
    """Logits while training, where the loss wants them; activated outputs in ``eval()``, which is exported.

    ``body`` returns one tensor or a tuple; there is one activation per output: ``torch.sigmoid``,
    ``nn.Softmax(dim=1)``, ``nn.Identity()``...
    """

    def __init__(self, body: nn.Module, activations: Sequence[Activation]) -> None:
        super().__init__()
        self.body = body
        self._activations = tuple(activations)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        found = self.body(image)
        outputs = (found,) if isinstance(found, Tensor) else tuple(found)
        if self.training:
            return outputs
        return tuple(activate(logit) for activate, logit in zip(self._activations, outputs, strict=True))

"""Networks small enough for one core of the box: U-Nets, and EfficientNet-lite0, which has seen ImageNet."""

from models.training.nets.heads import Activated
from models.training.nets.lite import LEVELS, LiteEncoder, pretrained
from models.training.nets.unet import unet

__all__ = ["LEVELS", "Activated", "LiteEncoder", "pretrained", "unet"]

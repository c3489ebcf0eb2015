"""Networks small enough for one core of the box: U-Nets for maps, MobileNetV3-small for whole pictures, and
EfficientNet-lite0, which has seen ImageNet, to begin either with."""

from models.training.nets.heads import Activated
from models.training.nets.lite import LEVELS, LiteEncoder, pretrained
from models.training.nets.mobilenet import MobileNetV3Small
from models.training.nets.unet import unet

__all__ = ["LEVELS", "Activated", "LiteEncoder", "MobileNetV3Small", "pretrained", "unet"]

"""Networks small enough for one core of the box: a U-Net for maps, MobileNetV3-small for whole pictures."""

from models.training.nets.heads import Activated
from models.training.nets.mobilenet import MobileNetV3Small
from models.training.nets.unet import unet

__all__ = ["Activated", "MobileNetV3Small", "unet"]

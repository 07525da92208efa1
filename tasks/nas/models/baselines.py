"""Hand-made networks to compare with, whose width fits any cost.

ResNet: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (2016): section 4.2
for CIFAR (three stages of basic blocks), table 1 for ImageNet (four stages). MobileNetV2: Sandler
et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018), table 2. Blocks are
torchvision's; its own networks can't be scaled finely (channels in eights) or down (a fixed head).

Deviations: shortcuts of the CIFAR ResNet that change size are 1x1 convolutions (option B), those
of the paper pad with zeros; channels are rounded to whole numbers, not to multiples of eight; the
head of a MobileNetV2 narrows with the rest. For CIFAR a MobileNetV2 halves three times instead of
five, the first two strides being left out. The networks of `RESNET_LAYERS` are torchvision's.
"""

from __future__ import annotations

from torch import Tensor, nn

from tasks.core.errors import ConfigError
from tasks.nas.models.initial import initialise
from tasks.nas.models.sizes import BaselineSize

_MOBILE_STEM, _MOBILE_HEAD = 32, 1280  # channels
# Expansion, channels, blocks and stride of each stage (table 2).
_MOBILE_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
# The published ResNets (table 1), which weights can be had for: kind and number of blocks.
RESNET_LAYERS: dict[str, tuple[str, tuple[int, ...]]] = {
    "resnet18": ("basic", (2, 2, 2, 2)),
    "resnet34": ("basic", (3, 4, 6, 3)),
    "resnet50": ("bottleneck", (3, 4, 6, 3)),
    "resnet101": ("bottleneck", (3, 4, 23, 3)),
    "resnet152": ("bottleneck", (3, 8, 36, 3)),
}
_MOBILE_CIFAR_STRIDE_1 = 24  # the stage that keeps the resolution on CIFAR


class BaselineNetwork(nn.Module):
    """A stem, stages and a classifier.

    Attributes:
        size: Size and surroundings.
        stage_channels: Channels of the maps that `stages` returns.
    """

    def __init__(
        self,
        size: BaselineSize,
        stem: nn.Module,
        blocks: list[nn.Module],
        stage_channels: list[int],
    ) -> None:
        super().__init__()
        self.size = size
        self.stem = stem
        self.blocks = nn.ModuleList(blocks)
        self.stage_channels = tuple(stage_channels)
        self.dropout = nn.Dropout(size.dropout_rate)
        self.classifier = nn.Linear(stage_channels[-1], size.num_classes)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Classify images (n, 3, h, w); logits (n, classes)."""
        logits: Tensor = self.classifier(self.dropout(self.stages(images)[-1].mean(dim=(2, 3))))
        return logits

    def stages(self, images: Tensor) -> list[Tensor]:
        """Maps at the ends of the stages, finest first, (n, stage_channels[k], h_k, w_k)."""
        maps = []
        state = self.stem(images)
        for block in self.blocks:
            state = block(state)
            maps.append(state)
        return maps


def make_baseline(size: BaselineSize) -> BaselineNetwork:
    """Build a baseline.

    Raises:
        ConfigError: The kind or the stem is unknown, or the width is not positive.
    """
    makers = {"resnet": _resnet, "mobilenet_v2": _mobilenet_v2}
    makers |= dict.fromkeys(RESNET_LAYERS, _published_resnet)
    if size.kind not in makers or size.stem not in ("cifar", "imagenet"):
        raise ConfigError(
            f"baseline {size.kind!r} with stem {size.stem!r}; expected one of "
            f"{', '.join(makers)} with cifar or imagenet"
        )
    if size.width <= 0 or size.num_blocks < 1:
        raise ConfigError(
            f"baseline of width {size.width:g} with {size.num_blocks} blocks a stage; "
            "expected a positive width and at least one block"
        )
    return makers[size.kind](size)


def _resnet(size: BaselineSize) -> BaselineNetwork:
    from torchvision.models.resnet import BasicBlock  # takes a second, which cells do without

    num_stages = 3 if size.stem == "cifar" else 4
    channels = [_rounded(size.width * 2**stage) for stage in range(num_stages)]
    if size.stem == "cifar":
        stem: nn.Module = _conv_norm_relu(3, channels[0], 3, 1)
    else:
        stem = nn.Sequential(_conv_norm_relu(3, channels[0], 7, 2), nn.MaxPool2d(3, 2, 1))
    stages: list[nn.Module] = []
    before = channels[0]
    for stage, after in enumerate(channels):
        blocks = []
        for index in range(size.num_blocks):
            stride = 2 if stage > 0 and index == 0 else 1
            blocks.append(BasicBlock(before, after, stride, _shortcut(before, after, stride)))
            before = after
        stages.append(nn.Sequential(*blocks))
    return BaselineNetwork(size, stem, stages, channels)


def _published_resnet(size: BaselineSize) -> BaselineNetwork:
    """A ResNet as it was published; neither its width nor its stem can be chosen."""
    from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

    kind, num_blocks = RESNET_LAYERS[size.kind]
    made = ResNet(BasicBlock if kind == "basic" else Bottleneck, [*num_blocks])
    stem = nn.Sequential(made.conv1, made.bn1, made.relu, made.maxpool)
    stages = [made.layer1, made.layer2, made.layer3, made.layer4]
    channels = [made.fc.in_features // 2**k for k in (3, 2, 1, 0)]
    return BaselineNetwork(size, stem, stages, channels)


def _mobilenet_v2(size: BaselineSize) -> BaselineNetwork:
    from torchvision.models.mobilenetv2 import InvertedResidual

    is_small = size.stem == "cifar"
    before = _rounded(_MOBILE_STEM * size.width)
    stem = _conv_norm_relu(3, before, 3, 1 if is_small else 2, nn.ReLU6)
    stages: list[list[nn.Module]] = [[]]
    channels: list[int] = []
    for expansion, base, num_blocks, published in _MOBILE_STAGES:
        stride = 1 if is_small and base == _MOBILE_CIFAR_STRIDE_1 else published
        if stride > 1:  # a stage, as others read it, ends where the resolution does
            stages.append([])
            channels.append(before)
        after = _rounded(base * size.width)
        for index in range(num_blocks):
            stages[-1].append(
                InvertedResidual(before, after, stride if index == 0 else 1, expansion)
            )
            before = after
    head = _rounded(_MOBILE_HEAD * size.width)
    stages[-1].append(_conv_norm_relu(before, head, 1, 1, nn.ReLU6))
    return BaselineNetwork(size, stem, [nn.Sequential(*each) for each in stages], [*channels, head])


def _shortcut(before: int, after: int, stride: int) -> nn.Module | None:
    if stride == 1 and before == after:
        return None
    # A pool of one pixel takes the stride: oneDNN 3.12 (torch 2.14) writes past its memory in the
    # gradient of a strided 1x1 convolution of few channels in channels_last (its issue 6035).
    every_second = nn.MaxPool2d(1, stride)
    return nn.Sequential(
        every_second, nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after)
    )


def _conv_norm_relu(
    before: int, after: int, kernel: int, stride: int, activation: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after), activation(inplace=True))


def _rounded(num_channels: float) -> int:
    return max(1, round(num_channels))

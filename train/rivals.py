"""What PyTorch takes for the same work, for `benchmark.py`.

The network is that of pytorch/examples' fast_neural_style, written anew by its published
architecture: Johnson et al. 2016 with instance normalization, reflection padding, and nearest
upsampling before convolutions. As PyTorch is at its best here: channels last, no gradients where
none are needed.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

LAST = torch.channels_last


class Convolution(nn.Module):
    """Enlarges, pads by reflection, convolves."""

    def __init__(self, given, made, size, stride=1, enlarge=1):
        super().__init__()
        self.enlarge, self.pad = enlarge, size // 2
        self.convolution = nn.Conv2d(given, made, size, stride)

    def forward(self, x):
        if self.enlarge > 1:
            x = functional.interpolate(x, scale_factor=self.enlarge, mode="nearest")
        return self.convolution(functional.pad(x, [self.pad] * 4, mode="reflect"))


def normalized(*arguments):
    """The layers of a convolution, normalized."""
    return Convolution(*arguments), nn.InstanceNorm2d(arguments[1], affine=True)


class Residual(nn.Module):
    """Two convolutions, and what they were given."""

    def __init__(self, width):
        super().__init__()
        first, second = normalized(width, width, 3), normalized(width, width, 3)
        self.layers = nn.Sequential(*first, nn.ReLU(), *second)

    def forward(self, x):
        return x + self.layers(x)


def make_painter():
    """Photos (batch, 3, height, width) to pictures."""
    layers = []
    for arguments in ((3, 32, 9), (32, 64, 3, 2), (64, 128, 3, 2)):
        layers += [*normalized(*arguments), nn.ReLU()]
    layers += [Residual(128) for _ in range(5)]
    for arguments in ((128, 64, 3, 1, 2), (64, 32, 3, 1, 2)):
        layers += [*normalized(*arguments), nn.ReLU()]
    return nn.Sequential(*layers, Convolution(32, 3, 9)).to(memory_format=LAST)


class Vgg(nn.Module):
    """VGG16 to the third convolution of block 4; gives the map of each block."""

    def __init__(self):
        super().__init__()
        blocks, given = [], 3
        for width, count in ((64, 2), (128, 2), (256, 3), (512, 3)):
            layers = [nn.MaxPool2d(2)] if blocks else []
            for _ in range(count):
                layers += [nn.Conv2d(given, width, 3, padding=1), nn.ReLU()]
                given = width
            blocks.append(nn.Sequential(*layers))
        self.blocks = nn.ModuleList(blocks)
        self.requires_grad_(False)

    def forward(self, x, count=4):
        maps = []
        for block in self.blocks[:count]:
            x = block(x)
            maps.append(x)
        return maps


def gram(x):
    """(batch, channels, channels), over height and width."""
    flat = x.float().flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def training_step(precision, image_size, batch_size):
    """A function that takes a step: content loss of block 3, style losses of blocks 1 to 4."""
    network, vgg = make_painter(), Vgg().to(memory_format=LAST)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    photos = torch.rand(batch_size, 3, image_size, image_size).to(memory_format=LAST)
    with torch.no_grad():
        wanted = [gram(one) for one in vgg(photos[:1])]

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            maps = vgg(torch.sigmoid(network(photos)))
            with torch.no_grad():
                content = vgg(photos, 3)[2]
        loss = functional.mse_loss(maps[2].float(), content.float())
        for one, target in zip(maps, wanted, strict=True):
            loss = loss + 1e-4 * (gram(one) - target).square().mean()
        loss.backward()
        optimizer.step()

    return step


def painting(precision, height, width, compiled=False):
    """A function that paints a photo, from array to array."""
    network = make_painter().eval()
    if compiled:
        network = torch.compile(network)
    photo = np.random.default_rng(0).random((height, width, 3), dtype="float32")

    def paint():
        enabled = precision == "bfloat16"
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            x = torch.from_numpy(photo).permute(2, 0, 1)[None].to(memory_format=LAST)
            return network(x)[0].float().permute(1, 2, 0).numpy()

    return paint


def product(precision, side):
    """A function that multiplies two square matrices."""
    one = torch.rand(side, side, dtype=getattr(torch, precision))
    return lambda: one @ one

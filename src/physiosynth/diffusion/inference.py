"""The UNet's answer without gradients, faster: the same weights and arithmetic, to rounding, in another order of work.

Signals are channels-last images (b, c, 1, t) here. What does not change is computed once: packed weights for a
network, the terms of a diffusion step for a network and step, those of a condition and of the context for a run.
GroupNorm and FiLM become one multiply-add for each window and channel. UNet1D stays the reference, and trains.
"""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from physiosynth.diffusion.chunks import EVERY, Answer, Evaluate, Places, for_wanted
from physiosynth.diffusion.stream_sampling import BF16, FP32
from physiosynth.nets.unet1d import Down, ResidualBlock, UNet1D, Up, fold, time_embedding, unfold

# From this step on bf16 gives way to fp32: what the noisiest steps get wrong, the later ones hardly mend.
FIRST_FP32_STEP = 800
LANES = 32  # fp32 numbers that PyTorch's loops take at once at most: two vectors of 512 bits
Film = tuple[Tensor, Tensor]


def answers(
    network: UNet1D,
    y: Tensor,
    context: Tensor | None = None,
    precision: str = FP32,
    exact_from: int | None = None,
    wanted: Places = None,
) -> Answer:
    """answer(x, step), what network(x, step, y, context) answers, for many steps of one run.

    y (b, condition_dim), context (b, context_channels, time), x (b, c, time); precision: of the convolutions;
    exact_from: from this step on, and wherever gradients are recorded, the network itself answers; wanted: see
    chunks.for_wanted.
    """
    runs: dict[torch.dtype | None, Answer] = {}

    def reference(x: Tensor, step: int, at: list[int] | slice) -> Tensor:
        steps = torch.full((len(x),), step, device=x.device)
        return network(x[at], steps[at], y[at], None if context is None else context[at])

    def answer(x: Tensor, step: int) -> Tensor:
        if torch.is_grad_enabled():
            return reference(x, step, EVERY)
        dtype = torch.bfloat16 if precision == BF16 and step < FIRST_FP32_STEP and fast_bf16(x) else torch.float32
        if exact_from is not None and step >= exact_from:
            dtype = None
        if dtype not in runs:
            evaluate = reference if dtype is None else evaluators.of(network, dtype).run(y, context)
            few = wanted if fills_vectors(network, x.shape[2]) else None
            runs[dtype] = for_wanted(evaluate, few, evaluators.agreements(network, dtype))
        return runs[dtype](x, step)

    return answer


def fills_vectors(network: UNet1D, time: int) -> bool:
    """Whether each window's activations fill whole vectors of the processor.

    What is left over at an array's end is computed by another exponential, which now and then rounds otherwise, and
    whose it is depends on the number of windows.
    """
    length = time // network.patch
    for stage in (stage for part in parts(network) for stage in part):
        if isinstance(stage, Down):
            length //= stage.conv.stride[0]
        elif isinstance(stage, Up):
            length *= stage.deconv.stride[0]
        elif any(norm.num_channels * length % LANES for block in stage for norm in (block.g1, block.g2)):
            return False
    return True


def fast_bf16(x: Tensor) -> bool:
    """Whether the device computes in bf16 itself; where it would only imitate it, fp32 is faster and more exact."""
    onednn = torch.backends.mkldnn.is_available()
    return x.device.type != "cpu" or (onednn and torch.ops.mkldnn._is_mkldnn_bf16_supported())


class InferenceUNet:
    """A UNet1D's weights arranged for evaluation. dtype: of the convolutions but the first and last; else fp32."""

    def __init__(self, network: UNet1D, terms: Terms, dtype: torch.dtype = torch.float32) -> None:
        self.patch, self._terms = network.patch, terms
        first, last = network.in_conv, network.out_conv[2]
        # The context's part of the first convolution is the same at every step.
        self._in_signal = _Convolution(first.weight[:, : last.out_channels], None)
        self._in_context = _Convolution(first.weight[:, last.out_channels :], first.bias)
        places = iter(range(len(terms.widths)))

        def stage(modules: Down | Up | list[ResidualBlock]) -> _Resample | list[_Block]:
            if isinstance(modules, (Down, Up)):
                return _Resample(modules, dtype)
            return [_Block(module, next(places), dtype) for module in modules]

        self._down, (mid,), self._up = ([stage(modules) for modules in part] for part in parts(network))
        assert isinstance(mid, list)
        self._mid = mid
        self._out_norm, self._out = _Norm(network.out_conv[0]), _Convolution(last.weight, last.bias)

    def run(self, y: Tensor, context: Tensor | None = None) -> Evaluate:
        """evaluate(x, step, at) for the windows of one run; see answers."""
        conditions = self._terms.of_conditions(y)
        assert self._in_context.bias is not None
        known = self._in_context.bias[:, None, None].expand(len(y), -1, -1, -1)
        if context is not None:
            known = self._in_context(as_image(context, self.patch))
        return lambda x, step, at: self._forward(x[at], self._terms.films(step, conditions[at]), known[at])

    def _forward(self, x: Tensor, films: list[Film], known: Tensor) -> Tensor:
        h = self._in_signal(as_image(x, self.patch)).add_(known)
        skips = []
        for stage in self._down:
            if isinstance(stage, _Resample):
                h = stage(h)
            else:
                for block in stage:
                    h = block(h, films)
                skips.append(h)
        for block in self._mid:
            h = block(h, films)
        for stage in self._up:
            if isinstance(stage, _Resample):
                h = stage(h)
            else:
                h = torch.cat([h, skips.pop()], dim=1)
                for block in stage:
                    h = block(h, films)
        return as_signal(self._out(F.silu(self._out_norm(h), inplace=True)), self.patch)


class Terms:
    """Scale and shift of every block's second GroupNorm and FiLM, linear in the time and condition embeddings.

    (norm(h) * gain + offset) * (1 + scale) + shift is norm(h) * [gain * (1 + scale)] + [offset * (1 + scale) + shift].
    The brackets of all blocks are one vector: the scales of all, then the shifts of all.
    """

    def __init__(self, network: UNet1D) -> None:
        self._time_mlp, self._cond_mlp = network.time_mlp, network.cond_mlp
        blocks = [b for part in parts(network) for stage in part if not isinstance(stage, (Down, Up)) for b in stage]
        self.widths = [block.g2.num_channels for block in blocks]
        gain = torch.cat([block.g2.weight for block in blocks])[:, None]
        offset = torch.cat([block.g2.bias for block in blocks])[:, None]

        def brackets(layers: list[nn.Linear]) -> Tensor:
            rows = [torch.cat([layer.weight, layer.bias[:, None]], dim=1).chunk(2) for layer in layers]
            scale, shift = (torch.cat(both) for both in zip(*rows, strict=True))
            return torch.cat([gain * scale, offset * scale + shift])

        time, cond = brackets([b.film.lin_time for b in blocks]), brackets([b.film.lin_cond for b in blocks])
        self._time, self._cond = time[:, :-1].contiguous(), cond[:, :-1].contiguous()
        self._bias = time[:, -1] + cond[:, -1] + torch.cat([gain, offset])[:, 0]
        self._steps: dict[int, Tensor] = {}

    def of_conditions(self, y: Tensor) -> Tensor:
        """(b, 2 * channels of all blocks)."""
        return F.linear(self._cond_mlp(y), self._cond, self._bias)

    def of_step(self, step: int) -> Tensor:
        """(2 * channels of all blocks,), kept for other chunks and runs."""
        if step not in self._steps:
            first, activation, second = self._time_mlp
            hidden = time_embedding(torch.tensor([step], device=self._bias.device))[0]
            hidden = activation(product(first.weight, hidden) + first.bias)
            self._steps[step] = product(self._time, product(second.weight, hidden) + second.bias)
        return self._steps[step]

    def films(self, step: int, conditions: Tensor) -> list[Film]:
        """(scale, shift) of each block, (b, c, 1, 1) both."""
        terms = (conditions + self.of_step(step))[:, :, None, None].split(self.widths * 2, dim=1)
        return list(zip(terms[: len(self.widths)], terms[len(self.widths) :], strict=True))


class _Evaluators:
    """One InferenceUNet a network and dtype, made when first asked for and again when the weights have changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: WeakKeyDictionary[UNet1D, tuple[tuple, Terms, dict]] = WeakKeyDictionary()
        self._agreements: WeakKeyDictionary[UNet1D, dict[torch.dtype | None, dict]] = WeakKeyDictionary()

    def of(self, network: UNet1D, dtype: torch.dtype) -> InferenceUNet:
        # A parameter's version counts its changes in place; tensors made in inference mode have none.
        state = tuple((p.data_ptr(), 0 if p.is_inference() else p._version) for p in network.parameters())
        with self._lock:
            held = self._made.get(network)
            if held is None or held[0] != state:
                held = self._made[network] = (state, Terms(network), {})
            _, terms, by_dtype = held
            if dtype not in by_dtype:
                by_dtype[dtype] = InferenceUNet(network, terms, dtype)
            return by_dtype[dtype]

    def agreements(self, network: UNet1D, dtype: torch.dtype | None) -> dict[tuple, bool]:
        """Which smaller batches were seen to give a window's bits; dtype None: of the network itself."""
        with self._lock:
            return self._agreements.setdefault(network, {}).setdefault(dtype, {})


evaluators = _Evaluators()


class _Convolution:
    """A convolution of stride 1 that keeps the length: weight (out, in, odd kernel); input and answer are fp32."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype = torch.float32) -> None:
        self.dtype, self.padding = dtype, [0, weight.shape[2] // 2]
        self.weight = weight.detach()[:, :, None].to(dtype, memory_format=torch.channels_last, copy=True)
        self.bias = None if bias is None else bias.detach().to(dtype, copy=True)
        self._packed: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        if self.dtype != torch.float32:
            x = x.to(self.dtype)
        if x.device.type == "cpu" and torch.backends.mkldnn.enabled and torch.backends.mkldnn.is_available():
            # oneDNN's own order of the weights, else made anew at each call (a tenth to a quarter of a convolution).
            if self._packed is None:
                self._packed = torch.ops.mkldnn._reorder_convolution_weight.default(
                    self.weight, self.padding, ONES, ONES, 1, list(x.shape)
                )
            out = torch.ops.mkldnn._convolution_pointwise.default(
                x, self._packed, self.bias, self.padding, ONES, ONES, 1, "none", [], ""
            )
        else:
            out = F.conv2d(x, self.weight, self.bias, padding=self.padding)
        return out.to(torch.float32, memory_format=torch.channels_last)


ONES = [1, 1]  # stride and dilation


class _Norm:
    """GroupNorm of an fp32 image as one multiply-add for each window and channel."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        self.groups, self.eps = norm.num_groups, torch.tensor(norm.eps, device=norm.weight.device)
        self.film = norm.weight.detach().clone()[:, None, None], norm.bias.detach().clone()[:, None, None]

    def __call__(self, x: Tensor, film: Film | None = None) -> Tensor:
        """film: scale and shift (b, c, 1, 1) instead of the norm's own."""
        b, c, _, t = x.shape
        count = t * c // self.groups
        grouped = (-1, self.groups, c // self.groups, 1)
        gain, offset = (term.reshape(grouped) for term in film or self.film)
        answer, sums = x * x, x.new_empty(2, b, c)
        torch.sum(x, (2, 3), out=sums[0])
        torch.sum(answer, (2, 3), out=sums[1])
        total, square = sums.view(2, b, self.groups, -1).sum(-1)[..., None, None]
        variance = torch.addcmul(square, total, total, value=-1 / count).clamp_(min=0)  # times count
        scale = gain * torch.add(self.eps, variance, alpha=1 / count).rsqrt_()
        shift = torch.addcmul(offset, total, scale, value=-1 / count)
        return torch.addcmul(shift.view(b, c, 1, 1), x, scale.view(b, c, 1, 1), out=answer)


class _Block:
    """A ResidualBlock; place: of its scale and shift among all blocks'."""

    def __init__(self, block: ResidualBlock, place: int, dtype: torch.dtype) -> None:
        self.place, self.g1, self.g2 = place, _Norm(block.g1), _Norm(block.g2)
        self.conv1 = _Convolution(block.conv1.weight, block.conv1.bias, dtype)
        self.conv2 = _Convolution(block.conv2.weight, block.conv2.bias, dtype)
        straight = isinstance(block.skip, nn.Identity)
        self.skip = None if straight else _Convolution(block.skip.weight, block.skip.bias, dtype)

    def __call__(self, x: Tensor, films: list[Film]) -> Tensor:
        h = self.conv1(F.silu(self.g1(x), inplace=True))
        h = self.conv2(F.silu(self.g2(h, films[self.place]), inplace=True))
        return h.add_(x if self.skip is None else self.skip(x))


class _Resample:
    """Down or Up. Their kernels do not overlap: in views, neighbouring samples become channels, or channels samples."""

    def __init__(self, stage: Down | Up, dtype: torch.dtype) -> None:
        if isinstance(stage, Down):
            layer, self.folded = stage.conv, stage.conv.stride[0]
            weight, bias = layer.weight.transpose(1, 2).flatten(1), layer.bias
        else:
            layer, self.folded = stage.deconv, 1
            weight, bias = layer.weight.permute(2, 1, 0).flatten(0, 1), layer.bias.repeat(layer.stride[0])
        self.channels, self.product = layer.out_channels, _Convolution(weight[:, :, None], bias, dtype)

    def __call__(self, x: Tensor) -> Tensor:
        b, c, _, t = x.shape
        rows = x.permute(0, 2, 3, 1).reshape(b, 1, t // self.folded, c * self.folded)
        rows = self.product(rows.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return rows.reshape(b, 1, -1, self.channels).permute(0, 3, 1, 2)


def parts(network: UNet1D) -> tuple[list, list, list]:
    """The stages on the way down, in the middle and up: a Down, an Up, or residual blocks."""
    return list(network.down_blocks), [[network.mid1, network.mid2]], list(network.up_blocks)


def product(matrix: Tensor, vector: Tensor) -> Tensor:
    """matrix @ vector, its last bits the same on any number of threads: it is kept, whoever asked first."""
    return (matrix * vector).sum(dim=1)


def as_image(x: Tensor, patch: int) -> Tensor:
    """(b, c, t) -> (b, c * patch, 1, t / patch), channels last in memory."""
    return fold(x.float(), patch)[:, :, None].contiguous(memory_format=torch.channels_last)


def as_signal(image: Tensor, patch: int) -> Tensor:
    """The inverse of as_image."""
    return unfold(image[:, :, 0], patch).contiguous()

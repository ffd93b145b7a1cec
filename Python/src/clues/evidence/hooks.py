"""Per-sample gradients of LoRA factors, by hooks.

A layer y = W x + s·B(A x) hands the gradient dy of its output to B and, through it, to A. With x and dy of every token,
a sample's gradient of A is Σ dhᵀ x over its tokens and that of B is Σ dyᵀ h, whatever else is in the batch. So the
backward pass computes what flows between layers and nothing else: no parameter requires a gradient, the embeddings'
output does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from ..errors import CluesError

#: Takes a factor's name and the gradients of a batch, [samples, rows, columns].
Sink = Callable[[str, torch.Tensor], None]


@dataclass(frozen=True)
class Factor:
    """A factor A or B of an adapted layer."""

    #: As in ``adapter_model.safetensors``.
    name: str
    module: torch.nn.Module
    parameter: torch.nn.Parameter

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.parameter.shape
        return rows, columns


def unwrapped(model: Any) -> Any:
    """The model itself, without what compiles or distributes it.

    :raises CluesError: where its parameters are in pieces.
    """
    while True:
        if type(model).__name__ == "FullyShardedDataParallel":
            raise _sharded("FSDP")
        inner = getattr(model, "_orig_mod", None)
        if inner is None and type(model).__name__ in ("DistributedDataParallel", "DataParallel", "DeepSpeedEngine"):
            inner = model.module
        if inner is None:
            break
        model = inner
    for module in model.modules():
        if type(module).__name__ in ("FullyShardedDataParallel", "FSDPModule"):
            raise _sharded("FSDP")
    for parameter in model.parameters():
        if hasattr(parameter, "ds_id"):
            raise _sharded("DeepSpeed")
        if hasattr(parameter, "placements"):
            raise _sharded("FSDP or tensor parallelism")
    return model


def _sharded(by: str) -> CluesError:
    return CluesError(
        f"the model's parameters are in pieces, divided by {by}",
        advice="capture afterwards from the checkpoints, with clues-capture; or train with data parallelism alone",
    )


def factors(model: Any, adapter: str | None = None) -> tuple[str, list[Factor]]:
    """The factors of the adapter that is trained, in the order of the model's parameters.

    :raises CluesError: where the adapter is more than s·B·A of linear layers, or several are trained.
    """
    if not hasattr(model, "peft_config"):
        raise CluesError(f"{type(model).__name__} is no PeftModel", advice="wrap it with get_peft_model")
    adapter = adapter or _trained(model)
    if adapter not in model.peft_config:
        raise CluesError(
            f"the model has no adapter '{adapter}'", advice=f"it has {', '.join(sorted(model.peft_config))}"
        )
    _check_config(model.peft_config[adapter], adapter)
    found: list[Factor] = []
    for name, module in model.named_modules():
        if adapter in getattr(module, "lora_embedding_A", {}):
            raise CluesError(
                "is an embedding, of which no gradients of samples are taken", kind="badData", tensor=name,
                advice="train without embeddings among target_modules",
            )  # fmt: skip
        if adapter not in getattr(module, "lora_A", {}):
            continue
        _check_layer(name, module, adapter)
        for part in ("lora_A", "lora_B"):
            inner = getattr(module, part)[adapter]
            found.append(Factor(f"{name}.{part}.weight", inner, inner.weight))
    if not found:
        raise CluesError(f"no layer has the adapter '{adapter}'", kind="badData", advice="is it an adapter of LoRA?")
    known = {id(factor.parameter) for factor in found}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and id(parameter) not in known:
            raise CluesError(
                "is trained beside the factors of LoRA, and a ledger is of these alone", kind="badData", tensor=name,
                advice="train without modules_to_save, bias and trainable tokens",
            )  # fmt: skip
    return adapter, found


def _trained(model: Any) -> str:
    """The one adapter whose parameters require gradients, else the active one."""
    trained = {
        adapter
        for module in model.modules()
        for adapter, inner in getattr(module, "lora_A", {}).items()
        if any(parameter.requires_grad for parameter in inner.parameters())
    }
    if len(trained) > 1:
        raise CluesError(
            f"several adapters are trained: {', '.join(sorted(trained))}",
            advice="train one at a time; a ledger is of one",
        )
    if trained:
        return str(trained.pop())
    active = model.active_adapters
    names = list(active() if callable(active) else active)
    if len(names) != 1:
        raise CluesError(f"{len(names)} adapters are active: {', '.join(names)}", advice="activate one")
    return str(names[0])


def _check_config(config: Any, adapter: str) -> None:
    kind = str(getattr(config.peft_type, "value", config.peft_type))
    if kind != "LORA":
        raise CluesError(
            f"the adapter '{adapter}' is of the type {kind}, and a ledger is of LoRA", kind="badData",
            advice="train with LoRA; an adapter alone can still be merged",
        )  # fmt: skip
    for setting, words in (
        ("use_dora", "DoRA, whose magnitudes scale the gradients of A and B"),
        ("lora_bias", "a bias of B"),
        ("trainable_token_indices", "trainable tokens"),
        ("target_parameters", "adapted parameters of experts"),
        ("modules_to_save", "whole modules that are trained"),
    ):
        if getattr(config, setting, None):
            raise CluesError(
                f"the adapter '{adapter}' has {words}: no gradients of samples are taken of that", kind="badData",
                advice=f"train without {setting}",
            )  # fmt: skip
    if getattr(config, "bias", "none") != "none":
        raise CluesError(f"the adapter '{adapter}' trains biases", kind="badData", advice='train with bias="none"')


def _check_layer(name: str, module: Any, adapter: str) -> None:
    variants = getattr(module, "lora_variant", {})
    if adapter in variants or getattr(module, "use_dora", {}).get(adapter):
        what = type(variants[adapter]).__name__ if adapter in variants else "DoRA"
        raise CluesError(
            f"is adapted by {what}, of which no gradients of samples are taken", kind="badData", tensor=name,
            advice="train with plain LoRA",
        )  # fmt: skip
    for part in ("lora_A", "lora_B"):
        inner = getattr(module, part)[adapter]
        if not isinstance(inner, torch.nn.Linear):
            raise CluesError(
                f"has a {type(inner).__name__} as {part}, and a ledger is of linear layers", kind="badData", tensor=name
            )
        if inner.bias is not None:
            raise CluesError(f"has a bias of {part}", kind="badData", tensor=name, advice="train without lora_bias")


class PerSample:
    """Hands the gradients of every batch to a sink, factor by factor, and keeps none."""

    def __init__(self, parts: list[Factor]) -> None:
        self._sink: Sink | None = None
        self._handles = [part.module.register_forward_hook(self._hook(part.name)) for part in parts]

    @contextlib.contextmanager
    def into(self, sink: Sink) -> Iterator[None]:
        """Forward and backward passes within are those of samples."""
        self._sink = sink
        try:
            yield
        finally:
            self._sink = None

    def close(self) -> None:
        """Takes the hooks away."""
        for handle in self._handles:
            handle.remove()

    def _hook(self, name: str) -> Callable[..., None]:
        def forward(module: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            # Reentrant checkpointing goes forward twice, the first time without gradients.
            if self._sink is None or not output.requires_grad:
                return
            x = inputs[0].detach()
            if x.dim() != 3:
                raise CluesError(
                    f"is given {x.dim()} dimensions where samples, tokens and channels are due", kind="badData",
                    tensor=name, advice="experts and images have no gradients of samples here",
                )  # fmt: skip

            def backward(dy: torch.Tensor) -> None:
                if self._sink is not None:
                    self._sink(name, torch.bmm(dy.float().transpose(1, 2), x.float()))

            output.register_hook(backward)

        return forward


@contextlib.contextmanager
def frozen(model: Any) -> Iterator[None]:
    """In evaluation, and only the embeddings' output requires a gradient; all is as it was afterwards.

    Layers that save memory by checkpointing go on doing so: they do it in training only, so they alone are told that
    this is training, and dropout is out of the way.
    """
    wanted = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    modes = [(module, module.training) for module in model.modules()]
    embeddings = model.get_input_embeddings()
    model.eval()
    for parameter, _ in wanted:
        parameter.requires_grad_(False)
    checkpointing = [module for module, _ in modes if getattr(module, "gradient_checkpointing", False) is True]
    for module in checkpointing:
        module.training = True
    handle = embeddings.register_forward_hook(lambda module, inputs, output: output.requires_grad_(True))
    try:
        with contextlib.ExitStack() as stack:
            if checkpointing:
                stack.callback(setattr, torch.nn.functional, "dropout", torch.nn.functional.dropout)
                torch.nn.functional.dropout = _no_dropout
            yield
    finally:
        handle.remove()
        for module, mode in modes:
            module.training = mode
        for parameter, want in wanted:
            parameter.requires_grad_(want)


def _no_dropout(input: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:  # noqa: A002 - PyTorch's name
    return input

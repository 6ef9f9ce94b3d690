"""The answers that the tables of chapter 8 are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

KINDS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")

# silence-channels


def _silencer(change: Callable[[Tensor, list[int]], Any]) -> Callable[..., Any]:
    """A forward hook that returns ``change(output, channels)``."""

    def silence_channels(layer: nn.Module, channels: list[int]) -> Any:
        return layer.register_forward_hook(lambda module, args, output: change(output, channels))

    return silence_channels


def _masked(output: Tensor, channels: list[int]) -> Tensor:
    mask = torch.ones(output.shape[1])
    mask[channels] = 0
    return output * mask.reshape(1, -1, *[1] * (output.ndim - 2))


def _stacked(output: Tensor, channels: list[int]) -> Tensor:
    maps = output.unbind(1)
    return torch.stack(
        [m.new_zeros(m.shape) if i in channels else m for i, m in enumerate(maps)], dim=1
    )


def _at(*index: Any, value: float = 0) -> Callable[[Tensor, list[int]], Tensor]:
    """Write a value at a place: ``...`` stands for the channels."""

    def change(output: Tensor, channels: list[int]) -> Tensor:
        made = output.clone()
        made[tuple(channels if i is ... else i for i in index)] = value
        return made

    return change


def _last_dimension(output: Tensor, channels: list[int]) -> Tensor:
    made = output.clone()
    made[..., [c for c in channels if c < output.shape[-1]]] = 0
    return made


def _in_place(output: Tensor, channels: list[int]) -> Tensor:
    output[:, channels] = 0
    return output


def _without_graph(output: Tensor, channels: list[int]) -> Tensor:
    return _masked(output.detach(), channels)


def _as_4d(output: Tensor, channels: list[int]) -> Tensor:
    mask = torch.ones(output.shape[1])
    mask[channels] = 0
    return output * mask.reshape(1, -1, 1, 1)


def _weights_zeroed(layer: nn.Module, channels: list[int]) -> Any:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter[channels] = 0
    return layer.register_forward_hook(lambda module, args, output: None)


def _silence_no_handle(layer: nn.Module, channels: list[int]) -> None:
    _silencer(_masked)(layer, channels)


def _others(output: Tensor, channels: list[int]) -> Tensor:
    return output - _masked(output, channels)


# accept-bytes


def _accepting(convert: Callable[[Tensor], Tensor], rest: bool = True) -> Callable[..., Any]:
    """A pre-hook that converts bytes by ``convert``, and keeps the rest of the arguments."""

    def accept_bytes(model: nn.Module) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...]) -> Any:
            images = convert(args[0]) if args[0].dtype == torch.uint8 else args[0]
            return (images, *args[1:]) if rest else images

        return model.register_forward_pre_hook(hook)

    return accept_bytes


def _moved(images: Tensor) -> Tensor:
    return images.movedim(-1, 1).float() / 255


def _by_name_too(model: nn.Module) -> Any:
    def hook(module: nn.Module, args: Any, kwargs: Any) -> Any:
        given = list(args)
        if given[0].dtype == torch.uint8:
            given[0] = given[0].transpose(1, 3).transpose(2, 3).to(torch.float32).mul(1 / 255)
        return tuple(given), kwargs

    return model.register_forward_pre_hook(hook, with_kwargs=True)


def _always(model: nn.Module) -> Any:
    return model.register_forward_pre_hook(lambda m, args: (_moved(args[0]), *args[1:]))


def _by_shape(model: nn.Module) -> Any:
    def hook(module: nn.Module, args: tuple[Any, ...]) -> Any:
        images = args[0]
        if images.shape[-1] == 3:
            images = _moved(images)
        return (images.float(), *args[1:])

    return model.register_forward_pre_hook(hook)


def _new_forward(model: nn.Module) -> Any:
    """Another forward, for good."""
    old = model.forward

    def forward(images: Tensor, *args: Any, **kwargs: Any) -> Any:
        return old(_moved(images) if images.dtype == torch.uint8 else images, *args, **kwargs)

    model.forward = forward
    return model.register_forward_hook(lambda *args: None)


def _after_the_fact(model: nn.Module) -> Any:
    return model.register_forward_hook(lambda m, args, output: None)


# live-hooks


def _counting(
    kinds: tuple[str, ...] = KINDS,
    modules: Callable[[nn.Module], Any] = nn.Module.modules,
    size: Callable[[Any], int] = len,
) -> Callable[[nn.Module], int]:
    def live_hooks(model: nn.Module) -> int:
        return sum(size(vars(part)[kind]) for part in modules(model) for kind in kinds)

    return live_hooks


def _count_by_recursion(model: nn.Module, seen: set[int] | None = None) -> int:
    seen = set() if seen is None else seen
    if id(model) in seen:
        return 0
    seen.add(id(model))
    own = sum(1 for kind in KINDS for _ in getattr(model, kind).values())
    return own + sum(_count_by_recursion(child, seen) for child in model.children())


def _every_name(model: nn.Module) -> list[nn.Module]:
    return [part for _, part in model.named_modules(remove_duplicate=False)]


def _leaves(model: nn.Module) -> list[nn.Module]:
    return [part for part in model.modules() if not list(part.children())]


# output-recorder


class _Recorder:
    """Right, and easily made wrong: subclasses change one thing each."""

    def __init__(self, model: nn.Module, names: list[str]) -> None:
        self.model, self.names = model, names
        self.outputs: dict[str, Tensor] = {}
        self.handles: list[Any] = []

    def kept(self, output: Tensor) -> Tensor:
        return output.detach().clone()

    def keep(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, output: Tensor) -> None:
            self.outputs[name] = self.kept(output)

        return hook

    def __enter__(self) -> Any:
        parts = dict(self.model.named_modules())
        self.handles = [parts[n].register_forward_hook(self.keep(n)) for n in self.names]
        return self

    def __exit__(self, *error: object) -> Any:
        while self.handles:
            self.handles.pop().remove()


class _ByModule(_Recorder):
    """One hook for all, which finds the name by the module."""

    def __enter__(self) -> Any:
        self.known = {self.model.get_submodule(name): name for name in self.names}
        self.handles = [part.register_forward_hook(self._found) for part in self.known]
        return self

    def _found(self, module: nn.Module, args: Any, output: Tensor) -> None:
        self.outputs[self.known[module]] = output.detach()


class _Attached(_Recorder):
    def kept(self, output: Tensor) -> Tensor:
        return output


class _LeavesHooks(_Recorder):
    def __exit__(self, *error: object) -> Any:
        for handle in self.handles:
            handle.remove  # noqa: B018


class _LeavesOne(_Recorder):
    def __exit__(self, *error: object) -> Any:
        for handle in self.handles[1:]:
            handle.remove()


class _NotAfterAnError(_Recorder):
    def __exit__(self, kind: Any, *error: object) -> Any:
        if kind is None:
            super().__exit__()


class _Swallows(_Recorder):
    def __exit__(self, *error: object) -> Any:
        super().__exit__()
        return True


class _LastName(_Recorder):
    def __enter__(self) -> Any:
        for name in self.names:
            part = self.model.get_submodule(name)
            hook = lambda module, args, output: self.outputs.update({name: output.detach()})  # noqa: B023, E731
            self.handles.append(part.register_forward_hook(hook))
        return self


class _FirstOnly(_Recorder):
    def keep(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, output: Tensor) -> None:
            self.outputs.setdefault(name, output.detach())

        return hook


class _Inputs(_Recorder):
    def keep(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, output: Tensor) -> None:
            self.outputs[name] = args[0].detach()

        return hook


class _Forgets(_Recorder):
    def __exit__(self, *error: object) -> Any:
        super().__exit__()
        self.outputs = {}


class _FromTheBeginning(_Recorder):
    """Hooks in place from the beginning, not from the block's."""

    def __init__(self, model: nn.Module, names: list[str]) -> None:
        super().__init__(model, names)
        super().__enter__()

    def __enter__(self) -> Any:
        return self


class _AgainIfNone(_FromTheBeginning):
    """The same, and good for a second block."""

    def __enter__(self) -> Any:
        return self if self.handles else _Recorder.__enter__(self)


class _Children(_Recorder):
    def __enter__(self) -> Any:
        parts = dict(self.model.named_children())
        self.handles = [
            parts[n].register_forward_hook(self.keep(n)) for n in self.names if n in parts
        ]
        return self


@contextmanager
def _generator(model: nn.Module, names: list[str]) -> Iterator[Any]:
    """Right but for a second block: a generator's context manager serves once."""
    recorder = _Recorder(model, names)
    with recorder:
        yield recorder

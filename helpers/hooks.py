"""Hooks: what a network's layers take and give, without touching its code.

`ActivationRecorder` listens to a network while it runs, keeps what its layers give, and takes its
hooks off again. `count_hooks`, `scale_gradient` and `silence` are hooks in a few lines.
"""

from __future__ import annotations

import difflib
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from .batches import Store, batches, count_samples, device_of

#: Which layers: a name, a glob, a type, a predicate of name and module, or several of these.
Layers = Any
Transform = Callable[[str, Tensor], Tensor | None]

#: Where a module keeps the hooks of a run, forward and backward.
_KINDS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


class ActivationRecorder:
    """Keeps what the layers of a network give, take, and get back as gradients.

    Hooks hang on the network within the ``with`` block only, whatever happens in it. What was
    recorded stays afterward.

    Parameters
    ----------
    model
        Any module. Call it, and not its ``forward``: a call begins a new record.
    layers
        A name as in ``named_modules()``, a glob (``"features.*"``), a type of module, a predicate
        ``(name, module) -> bool``, or a list of these. By default all modules without submodules.
    inputs, gradients
        Record what a layer takes, and the gradients that arrive at its outputs, too.
    detach
        Keep the numbers only. Otherwise what is kept holds the graph behind it in memory.
    to
        A device or a dtype for what is kept.
    copy
        Copy each tensor when it is recorded. Without, an operation in place behind the layer may
        write over it; `outputs` and `inputs` warn if one did.

    Raises
    ------
    ValueError
        If ``layers`` names or matches no module.

    Notes
    -----
    A module that runs again in one forward pass is listed as ``name#2``, ``name#3``; one that
    gives several tensors as ``name[0]``, ``name[1]``, ``name['key']``. What is no tensor is left
    out. A module that is known by two names goes by the first that was asked for.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    >>> with ActivationRecorder(model) as recorder:
    ...     output = model(torch.ones(5, 3))
    >>> {name: tuple(kept.shape) for name, kept in recorder.outputs.items()}
    {'0': (5, 2), '1': (5, 2)}
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Layers = None,
        *,
        inputs: bool = False,
        gradients: bool = False,
        detach: bool = True,
        to: torch.device | torch.dtype | str | None = None,
        copy: bool = True,
    ) -> None:
        self.model, self.layers = model, layers
        self.detach, self.to, self.copy = detach, to, copy
        self._wanted = inputs, gradients
        self._hooks: AbstractContextManager[None] | None = None
        self._tensor_hooks: list[RemovableHandle] = []
        self._begin()
        select(model, layers)  # what is asked for wrongly is told here

    @property
    def outputs(self) -> dict[str, Tensor]:
        """Name → what the layer gave in the last forward pass, in the order of running."""
        return self._checked("outputs", self._outputs)

    @property
    def inputs(self) -> dict[str, Tensor]:
        """Name → what the layer took, before it ran; arguments by name as ``name['mask']``."""
        return self._checked("inputs", self._inputs)

    @property
    def gradients(self) -> dict[str, Tensor]:
        """Name → the gradient that came to the layer's output in the last backward pass."""
        return {name: self._gradients[name] for name in self._outputs if name in self._gradients}

    def __enter__(self) -> ActivationRecorder:
        if self._hooks is not None:
            raise RuntimeError("the recorder listens already; leave its with block first")
        self._begin()
        take = self._take if self._wanted[0] else None
        self._hooks = _listening(self.model, self.layers, self._begin, self._give, take)
        self._hooks.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        listening, self._hooks = self._hooks, None
        self._forget_tensor_hooks()
        if listening is not None:
            listening.__exit__(None, None, None)

    def _begin(self) -> None:
        self._outputs: dict[str, Tensor] = {}
        self._inputs: dict[str, Tensor] = {}
        self._gradients: dict[str, Tensor] = {}
        self._versions: dict[int, int] = {}
        self._forget_tensor_hooks()

    def _forget_tensor_hooks(self) -> None:
        for handle in self._tensor_hooks:
            handle.remove()
        self._tensor_hooks = []

    def _give(self, name: str, output: Any) -> None:
        for leaf, tensor in _leaves(name, output):
            self._outputs[leaf] = self._kept(tensor)
            if self._wanted[1] and tensor.requires_grad:
                self._tensor_hooks.append(tensor.register_hook(self._note(leaf)))

    def _take(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        given = _leaves(name, args[0] if len(args) == 1 else args)
        for leaf, tensor in (*given, *_leaves(name, kwargs)):
            self._inputs[leaf] = self._kept(tensor)

    def _note(self, name: str) -> Callable[[Tensor], None]:
        gradients = self._gradients  # of this forward pass

        def note(gradient: Tensor) -> None:
            gradients[name] = self._kept(gradient)

        return note

    def _kept(self, tensor: Tensor) -> Tensor:
        kept = tensor.detach() if self.detach else tensor
        if self.to is not None:
            kept = kept.to(self.to, copy=self.copy)
        elif self.copy:
            kept = kept.clone()
        if not self.copy and not kept.is_inference():
            self._versions[id(kept)] = kept._version
        return kept

    def _checked(self, what: str, kept: dict[str, Tensor]) -> dict[str, Tensor]:
        """``kept``, with a warning if something wrote into one of its tensors."""
        versions = self._versions
        lost = [n for n, t in kept.items() if id(t) in versions and t._version != versions[id(t)]]
        if lost:
            text = f"{what} of {', '.join(lost)} were written over after they were recorded"
            warnings.warn(f"{text}; record with copy=True", stacklevel=3)
        return kept

    def batches(self, data: Any, batch_size: int = 256) -> Iterator[dict[str, Tensor]]:
        """Run batch after batch, without gradients, in the model's present mode.

        Parameters
        ----------
        data, batch_size
            As in `gather`.

        Yields
        ------
        dict
            `outputs` of one batch. Nothing of it is kept here when the next batch runs: the way to
            compute a mean, or what else adds up, over data of any size.
        """
        device = device_of(self.model)
        with nullcontext() if self._hooks else self:
            for batch in batches(data, batch_size):
                with torch.no_grad():
                    self.model(batch.to(device, non_blocking=True))
                yield self.outputs

    def gather(
        self,
        data: Any,
        batch_size: int = 256,
        *,
        count: int | None = None,
        transform: Transform | None = None,
        limit: int | None = None,
        folder: str | Path | None = None,
    ) -> dict[str, Tensor]:
        """The outputs of all samples: one tensor a layer, made beforehand and filled in place.

        The model runs without gradients, in its present mode: call ``model.eval()`` first if that
        is what you mean. An output is written to its place the moment the layer gives it, so that
        besides what is asked for, no more than the running batch is in memory.

        Parameters
        ----------
        data
            A tensor of samples; or batches, as a data loader gives them, of which the first entry
            counts if a batch is a tuple or a list. They are moved to the model's device.
        batch_size
            Into how many samples at a time a tensor is cut.
        count
            The number of samples, where ``data`` cannot tell.
        transform
            Called with a name and an output before it is kept, for what is smaller: a mean over
            places, say. Its first dimension must be the batch. None leaves the output out.
        limit
            The most bytes to keep in memory. What goes beyond is kept in files, one a layer, in
            ``folder``; each is a tensor on the CPU like any other, read from the file as it is
            used.
        folder
            Where the files go. Delete it when the tensors are used no more.

        Returns
        -------
        dict
            Name → a tensor of shape (samples, …), in the order of running; on the recorder's
            device ``to``, else where the layer's output was.

        Raises
        ------
        ValueError
            If the number of samples cannot be told or is wrong, if an output's first dimension is
            not the batch or its other sizes change from batch to batch, if a layer runs in some
            batches only, or if more than ``limit`` is asked for without a ``folder``.
        """
        store = Store(count_samples(data) if count is None else count, self.to, limit, folder)

        def give(name: str, output: Any) -> None:
            for leaf, tensor in _leaves(name, output):
                kept = transform(leaf, tensor) if transform else tensor
                if kept is not None:
                    store.put(leaf, kept)

        device = device_of(self.model)
        with _listening(self.model, self.layers, lambda: None, give), torch.no_grad():
            for batch in batches(data, batch_size):
                store.start(len(batch))
                self.model(batch.to(device, non_blocking=True))
        return store.finished()


@contextmanager
def _listening(
    model: nn.Module,
    layers: Layers,
    begin: Callable[[], None],
    give: Callable[[str, Any], None],
    take: Callable[[str, tuple[Any, ...], Mapping[str, Any]], None] | None = None,
) -> Iterator[None]:
    """Hooks on a network, gone at the end: ``begin()`` at each call of it; ``take(name, args,
    kwargs)`` and ``give(name, output)`` before and after each run of a layer."""
    handles: list[RemovableHandle] = []
    given: Counter[str] = Counter()
    taken: Counter[str] = Counter()

    def restart(called: nn.Module, args: Any) -> None:
        if called is model:  # and not a copy of it, which has copies of its hooks
            given.clear()
            taken.clear()
            begin()

    def listen(name: str, layer: nn.Module) -> None:
        def before(called: nn.Module, args: Any, kwargs: Any) -> None:
            if take and called is layer:
                take(_numbered(name, taken), args, kwargs)

        def after(called: nn.Module, args: Any, output: Any) -> None:
            if called is layer:
                give(_numbered(name, given), output)

        if take:
            handles.append(layer.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(layer.register_forward_hook(after))

    try:
        handles.append(model.register_forward_pre_hook(restart))
        for name, layer in select(model, layers).items():
            listen(name, layer)
        yield
    finally:
        for handle in handles:
            handle.remove()


def _numbered(name: str, runs: Counter[str]) -> str:
    """The name of this run of a layer: ``name``, then ``name#2``, ``name#3``."""
    runs[name] += 1
    return name if runs[name] == 1 else f"{name}#{runs[name]}"


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors in what a layer takes or gives, each with a name of its own."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(f"{name}[{key!r}]", item)
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            yield from _leaves(f"{name}[{place}]", item)


def select(model: nn.Module, layers: Layers = None) -> dict[str, nn.Module]:
    """The modules that ``layers`` stands for, by name; as in `ActivationRecorder`.

    Raises
    ------
    ValueError
        If one of ``layers`` stands for no module of the model.
    """
    if layers is None:
        parts = model.named_modules()
        return {name: part for name, part in parts if next(part.children(), None) is None}
    known = dict(model.named_modules(remove_duplicate=False))
    found: dict[str, nn.Module] = {}
    for wanted in layers if isinstance(layers, (list, tuple, set)) else [layers]:
        matching = _matching(known, wanted)
        if not matching:
            near = difflib.get_close_matches(str(wanted), list(known), n=1)
            more = f"; did you mean {near[0]!r}?" if near else f" of {', '.join(known)}"
            raise ValueError(f"layers has {wanted!r}; allowed: what stands for a module{more}")
        for name in matching:
            if all(known[name] is not part for part in found.values()):
                found[name] = known[name]
    return found


def _matching(known: Mapping[str, nn.Module], wanted: Any) -> list[str]:
    if isinstance(wanted, str):
        return [wanted] if wanted in known else [n for n in known if n and fnmatchcase(n, wanted)]
    if isinstance(wanted, type):
        return [name for name, part in known.items() if isinstance(part, wanted)]
    if isinstance(wanted, nn.Module):
        return [name for name, part in known.items() if part is wanted]
    if callable(wanted):
        return [name for name, part in known.items() if wanted(name, part)]
    raise ValueError(f"layers has {wanted!r}; allowed: names, globs, types of module, predicates")


def count_hooks(model: nn.Module) -> int:
    """How many hooks hang on a network and its parts, of those that run forward or backward."""
    return sum(len(getattr(part, kind)) for part in model.modules() for kind in _KINDS)


def silence(layer: nn.Module, channels: Iterable[int]) -> RemovableHandle:
    """From now on these channels of a layer's output, of shape (N, C, …), are zero.

    Returns
    -------
    RemovableHandle
        ``handle.remove()`` gives them their voice back.
    """
    places = list(channels)

    def hook(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        silent = torch.zeros(output.shape[1], dtype=torch.bool, device=output.device)
        silent[places] = True
        return output.masked_fill(silent.reshape(-1, *[1] * (output.ndim - 2)), 0)

    return layer.register_forward_hook(hook)


def scale_gradient(layer: nn.Module, factor: float) -> RemovableHandle:
    """From now on the gradient that arrives at a layer's output is multiplied by a factor.

    The output stays as it is. A factor of -1 reverses the gradient.

    Returns
    -------
    RemovableHandle
        ``handle.remove()`` undoes it, for runs from then on.

    Notes
    -----
    Ganin & Lempitsky (2015), "Unsupervised Domain Adaptation by Backpropagation", for -1.
    """

    def hook(module: nn.Module, args: Any, output: Tensor) -> None:
        if output.requires_grad:
            output.register_hook(lambda gradient: factor * gradient)

    return layer.register_forward_hook(hook)

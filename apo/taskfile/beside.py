"""Inputs that are no text: images, and the conversation before the user turn."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from apo.data.pools import POOLS, Pools
from apo.errors import DataError
from apo.media import image_of, turns_before
from apo.prompts.beside import Beside
from apo.task import Example

NOTE = (
    "Images are shown to the task model alone; the optimizer model reads their names. Worked "
    "examples with images are not added to a prompt."
)


def looked_at(pools: Pools, beside: Beside, folder: Path) -> Pools:
    """Find the images that examples name, and read their conversations.

    Args:
        pools: as they were read.
        beside: which fields are images, and which holds the conversation.
        folder: the task's; a file must lie in it.

    Raises:
        DataError: an image is missing, elsewhere or none, or a conversation is none.
    """
    if not beside:
        return pools
    found = {
        name: tuple(
            _seen(example, beside, folder, f"{name}, example {number}")
            for number, example in enumerate(getattr(pools, name), 1)
        )
        for name in POOLS
    }
    notes = (*pools.notes, NOTE) if beside.images else pools.notes
    return replace(pools, **found, notes=notes)  # type: ignore[arg-type]  # by the pools' names


def _seen(example: Example, beside: Beside, folder: Path, where: str) -> Example:
    images: Mapping[str, str] = {
        name: image_of(example.inputs[name], folder, f"{where}: {name}") for name in beside.images
    }
    if beside.history:
        try:
            turns_before(example.inputs[beside.history])
        except DataError as error:
            raise DataError(f"{where}: {beside.history}: {error}") from None
    return replace(example, inputs={**example.inputs, **images})

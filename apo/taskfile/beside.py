"""Inputs that are no text: images, and the conversation before the user turn."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from apo.data.pools import POOLS, Pools
from apo.errors import DataError
from apo.media import Image, image_of, turns_before
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
            seen(example, beside, folder, f"{name}, example {number}")
            for number, example in enumerate(getattr(pools, name), 1)
        )
        for name in POOLS
    }
    notes = (*pools.notes, NOTE) if beside.images else pools.notes
    return replace(pools, **found, notes=notes)  # type: ignore[arg-type]  # by the pools' names


def seen(example: Example, beside: Beside, folder: Path, where: str) -> Example:
    """Do what `looked_at` does for one example; `where` opens the messages."""
    images: Mapping[str, str] = {
        name: image_of(example.inputs[name], folder, f"{where}: {name}") for name in beside.images
    }
    if beside.history:
        try:
            turns_before(example.inputs[beside.history])
        except DataError as error:
            raise DataError(f"{where}: {beside.history}: {error}") from None
    return replace(example, inputs={**example.inputs, **images})


def as_typed(inputs: Mapping[str, str], beside: Beside) -> dict[str, str]:
    """Inputs that a person typed, with the images found whose paths they name.

    Raises:
        DataError: there is none, or the file is no image.
    """
    found = dict(inputs)
    for name in beside.images:
        path = Path(inputs[name])
        if "://" not in inputs[name]:
            image = image_of(path.name, path.parent, name)
            found[name] = Image(inputs[name], image.path, image.digest)
    return found

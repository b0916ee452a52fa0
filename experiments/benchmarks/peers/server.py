"""Serves models to other frameworks, until it is stopped; prints the address of each."""

import argparse
import threading
from contextlib import ExitStack
from dataclasses import replace

from apo.model import Completion, Model, Request
from apo.models import open_model
from apo.testing.server import serve
from experiments.benchmarks.peers.frames import Framed

TIMEOUT = 600.0
"""Seconds for an answer, as long as the peers wait: some ask a writer for nine replies at once."""


class Bounded:
    """A model whose answers have an end, also where a framework states none.

    Args:
        model: who answers.
        most: tokens of the longest answer.
    """

    def __init__(self, model: Model, most: int) -> None:
        self._model, self._most = model, most

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    async def complete(self, request: Request) -> Completion:
        """Ask, with the smaller of both limits."""
        limit = min(request.decoding.max_tokens or self._most, self._most)
        decoding = replace(request.decoding, max_tokens=limit)
        return await self._model.complete(request._replace(decoding=decoding))

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()


def main() -> None:
    """Serve each on a free port of this machine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+", metavar="MODEL=TOKENS", help="of its longest answer")
    with ExitStack() as stack:
        for stated in parser.parse_args().models:
            name, _, most = stated.rpartition("=")
            model = (
                Framed()
                if name == "embedded"
                else Bounded(open_model(name, timeout=TIMEOUT), int(most))
            )
            print(stack.enter_context(serve(model)).base_url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()

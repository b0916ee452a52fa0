"""Serves a model to other frameworks, until it is stopped; prints its address."""

import argparse
import threading
from dataclasses import replace

from apo.model import Completion, Model, Request
from apo.models import open_model
from apo.testing.server import serve
from experiments.benchmarks.peers.frames import Framed


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
    """Serve on a free port of this machine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--most", type=int, default=256, help="tokens of the longest answer")
    options = parser.parse_args()
    embedded = options.model == "embedded"
    model = Framed() if embedded else Bounded(open_model(options.model), options.most)
    with serve(model) as server:
        print(server.base_url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()

"""Serves the embedded model to other frameworks, until it is stopped; prints its address."""

import threading

from apo.testing.server import serve
from experiments.benchmarks.peers.frames import Framed


def main() -> None:
    """Serve on a free port of this machine."""
    with serve(Framed()) as server:
        print(server.base_url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()

"""The child that holds a model: llama.cpp's server, until the parent ends in whatever way.

Started as a module of its own. It reads one line of settings, writes one line, its URL, once the
model is loaded, and what it has to say of failures on standard error; the end of its standard input
ends it.
"""

import ctypes
import json
import os
import sys
from importlib import import_module


def main() -> None:
    """Serve one GGUF file on a free port of this machine."""
    settings = json.loads(sys.stdin.readline())
    _end_with(settings["parent"])
    llama = import_module("xllamacpp")  # Without types, and not installed everywhere.
    params = llama.CommonParams()
    params.model.path = settings["path"]
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["slots"] * settings["context"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.n_gpu_layers = -1
    params.hostnames, params.port, params.api_keys = ["127.0.0.1"], 0, [settings["key"]]
    params.n_threads_http = 32  # Each connection holds one, also while it is idle.
    params.cache_ram_mib = settings["prefixes"]
    params.warmup = params.fit_params = params.ui = params.endpoint_slots = False
    params.verbosity = 1  # Errors alone.
    server = llama.Server(params)  # Returns when the model is loaded; nothing else runs meanwhile.
    print(server.listening_address, flush=True)
    sys.stdin.read()
    os._exit(0)  # Without waiting for answers that nobody takes.


def _end_with(parent: int) -> None:
    """Have the system kill this process when the parent ends, also while a model is loaded."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    main()

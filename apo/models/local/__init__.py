"""Models on this machine, without a server of yours: a GGUF file run by llama.cpp in a child.

`local/smollm2` takes its weights from an installed package, `local/PATH.gguf` any file. The child
is llama.cpp's own server, from the package xllamacpp: slots, batches, chat template and the reuse
of prefixes are its. `apo.models.local_model` asks it like any other server, on a port and with a
key that nobody else knows.

Doors: server, weights.
Rests on: concurrency, errors, trust.
"""

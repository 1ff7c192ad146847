"""llama.cpp's own server, out of the package that the embedded model uses: `MODEL ALIAS PORT`.

Serves on the loopback until it is killed.
"""

from __future__ import annotations

import signal
import sys

import xllamacpp


def main(weights: str, alias: str, port: str) -> None:
    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.model_alias = {alias}
    params.hostnames = ["127.0.0.1"]
    params.port = int(port)
    params.n_ctx = 4096
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.offline = True
    params.ui = False
    server = xllamacpp.Server(params)
    signal.pause()
    del server


if __name__ == "__main__":
    main(*sys.argv[1:])

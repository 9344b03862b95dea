"""Let trained online networks copy what came at like places of the past, without training.

    python -m models.training.add_recall --data data/ --weights models/weights --out runs/recalling

What they say of themselves stays as it is; how far copies are to be trusted is counted in the
training split (`models.training.run.trust_in_copies`). Everything else in the folder is copied.
The rules of decoding are best fitted anew (`models.training.tune_decoding`).
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import torch

from models.data.piece import pieces
from models.decoding import spectral
from models.network import weights
from models.network.transformer import Net
from models.training.run import recalling


def main(argv: list[str] | None = None) -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--data", type=Path, nargs="+", required=True)
    p.add_argument("--weights", type=Path, required=True, help="folder of online.* and others")
    p.add_argument("--out", type=Path, required=True)
    args = p.parse_args(argv)
    corpus = pieces(args.data, "train")
    shutil.copytree(args.weights, args.out, dirs_exist_ok=True)
    for name in ("online", "variety"):
        if not (args.weights / f"{name}.json").exists():
            continue
        config, arrays, settings = spectral.load_weights(args.weights, "online", name)
        net = Net(config)
        with torch.no_grad():
            for key, parameter in net.named_parameters():
                parameter.copy_(torch.from_numpy(arrays[key].astype(np.float32)))
        net = recalling(net, corpus, shown=False)
        found = {key: p.detach().numpy() for key, p in net.named_parameters()}
        weights.write_arrays(args.out / f"{name}.safetensors", found)
        weights.write_json(args.out / f"{name}.json", settings | {"network": net.config.to_dict()})


if __name__ == "__main__":
    main()

"""What learns: corpora, vocabulary, Transformer, training, evaluation, shipped weights.

Imports from `jam` only the pure modules that encode music, so training and live play share
one representation. Playing needs numpy alone; torch is imported by training only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jam.agent.predictor import Predictor
    from jam.agent.rewriting import Rewriter


def load_predictor(weights_dir: Path | str | None = None) -> Predictor:
    """The network of a folder of weights (None: those that are shipped) as a `Predictor`.

    Raises BadInput for weights that are missing, broken, of another shape, or whose JSON has an
    unknown key. Nothing in the files is executed.
    """
    from models.predictor import load_predictor as load  # numpy and safetensors only when needed

    return load(weights_dir)


def load_rewriter(weights_dir: Path | str | None = None) -> Rewriter:
    """What composes bars again, of a folder of weights (None: those that are shipped).

    Raises BadInput as `load_predictor` does.
    """
    from models.rewriter import load_rewriter as load

    return load(None if weights_dir is None else Path(weights_dir))

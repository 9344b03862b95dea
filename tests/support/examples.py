"""How many examples a property test draws."""

from __future__ import annotations

from hypothesis import settings


def examples(of_a_hundred: int) -> settings:
    """So many where the profile in force draws a hundred, for tests whose examples are dear.

    The quick half draws fewer and `HYPOTHESIS_PROFILE=search` more: `tests/conftest.py`.
    """
    return settings(max_examples=max(1, of_a_hundred * settings().max_examples // 100))

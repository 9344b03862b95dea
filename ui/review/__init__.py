"""The page Review: what was played, seen and heard again.

`content` and `roll_scene` say as numbers what is drawn, `roll` draws it (with `roll_paint`);
`sessions` is the list, `details`, `transport` and `strip` are the bars around the roll. `page` ties
them together; `listening`, `changes` and `works` are what is done with the session in front, each
with its keys in `deeds`. The library is only spoken to through `background`, and what takes long is
a job of its own process, so the window never waits.
"""

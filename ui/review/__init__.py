"""The page Review: what was played, seen and heard again.

`content` and `roll_scene` say as numbers what is drawn, `roll` draws it; `sessions` is the list,
`details` and `transport` are the bars around the roll, `dialogs` ask, `page` ties them together.
The library is only spoken to through `background`, so the window never waits for the disk.
"""

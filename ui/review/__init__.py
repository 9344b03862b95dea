"""The page Review: what was played, seen and heard again.

`model` holds the session and the take in front, `playback` how it is played, `library_thread` the
library. `edits`, `playback_actions` and `tasks` are what is done with them; `page` shows it all:
`session_list` (with `name_cell`), and around the roll the bars `details`, `transport_bar` and
`news_bar`. `content` and `roll_scene` say as numbers what `roll` draws with `roll_paint`.
"""

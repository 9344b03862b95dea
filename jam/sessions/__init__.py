"""Sessions: every jam recorded as it happens, in one library, to be reviewed afterwards.

`types` says what a session is, `store` keeps them (SQLite), `tape` and `writer` record a jam
that goes on, `retakes` makes other takes of it, `exports` and `imports` exchange it as files,
`check` verifies and repairs a library, `tasks` are what takes long, `commands` and `player` are
`jam sessions …`.
"""

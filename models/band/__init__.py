"""What is learnt from how people played, for the band: timing, accents, walking bass, textures.

performances: recordings on the grid of beats. feel, walking, textures: what is mined of them.
`python -m models.band DATA` makes the files in `jam/accompaniment/played/`.
"""

"""The built-in world: real images of the Earth, real places and times, and sounds by rule.

No sound here was recorded where its image was taken: which sounds a place has is decided by rules
over land cover, climate, coast, population and time (:mod:`~earwitness.atlas.world.rules`), and
the sounds are made by the synthesiser. A model trained on it shows that the software learns; what
it says of a real place is what the rules say.
"""

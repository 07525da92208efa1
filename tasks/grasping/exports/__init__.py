"""Copies of a data set in the formats of other libraries, written without those libraries.

Every export streams over the shards with bounded memory, and its folder appears whole or not at
all; see `tasks.grasping.exports.target`.
"""

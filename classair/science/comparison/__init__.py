"""Sensors of a school beside each other, slot by slot: retrospective, with numpy, never where readings come in.

`slots`     one grid for all, and what is left of each sensor beside the others
`evidence`  how likely stretches of hours are under another explanation
`steps`     lower than usual, from one moment to another: a failed or dead fan
`lag`       old or smoothed air: a clogged inlet
`swaps`     two sensors in each other's rooms
`fog`       droplets outdoors
`judging`   all of it together, as flags
"""

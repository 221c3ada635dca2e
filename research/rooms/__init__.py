"""What the data say of a room: how it breathes, what its purifier does, what pupils were exposed to.

Every answer is an Estimate: a value with its interval, what it rests on, and the method's version; or "cannot tell" and
why. None of them is used for control or for the number on a screen.
"""

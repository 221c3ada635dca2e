"""What can be talked about by LINE, a file each: it gets what was understood and gives one reply."""

"""Processes that outlive a command: started, marked, watched, and ended without a rest.

`marked` starts them in sessions of their own and finds them again by their mark; `supervised` keeps
a stack's servers alive under one supervisor, each by way of `alone`, on `ports` of this machine;
`interrupts` lets a process that is told to end do so in order, `quiet` work without a noise, and
`spawn` start a program while all its threads go on; `limits` holds one item to its threads, time
and memory, wherever it runs.
"""

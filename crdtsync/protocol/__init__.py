"""What replicas say to one another: names, formats, causality and rules. Values in, values out; nothing else.

Nothing here reads a clock, draws a random number or opens a file. Bytes from outside give a value or an error
of the `FormatError` branch; a caller's mistake gives an error of the `UsageError` branch.
"""

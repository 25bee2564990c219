"""`make bench`: how fast, how soon and how much, on this machine.

Each measurement prints a small table. Nothing here passes or fails: a clock is no judge on a
machine that does other things too. What is compared is measured in one run, as ratios.
"""

"""Grading: a process that runs a learner's code, a judge outside it, nbgrader's gradebook."""

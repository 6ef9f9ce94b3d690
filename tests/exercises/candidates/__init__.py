"""Right and wrong answers to every exercise: a module a chapter, tables apart where it is long."""

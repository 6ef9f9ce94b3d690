"""Publishing: from solutions/ to learners' notebooks and to the pages of the book."""

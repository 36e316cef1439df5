"""Graphs of a case: the peers and what holds between them, the paths between them hop by hop."""

"""Documents: typed classes, registers that keep concurrent values, views and drafts."""

"""Where objects come from: folders of files, and what a standalone mesh makes of them."""

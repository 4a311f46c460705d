"""The page of `fleet report`: sections of blocks, which are written as HTML or as Markdown."""

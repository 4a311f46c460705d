"""What is taken out of texts and objects before somebody else may read them.

Detectors say which parts of a text are secret (`Span`); `TextRedactor` replaces them, and
`ObjectRedactor` does so for API objects, whose structure it knows. Everything works on bytes: a
log need not be text.
"""

"""The table of problems: for each error the status, name and sentence that are answered.

The answer is a fixed sentence and a reference, never the text of the exception, parts of which a
stranger chose. The sentence says what happened and what to do now. Imports the errors of the
subjects, and nothing of Flask.
"""

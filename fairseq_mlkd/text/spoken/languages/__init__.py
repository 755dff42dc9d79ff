"""One file for each language whose numbers are read out; see `spoken/language.py`."""

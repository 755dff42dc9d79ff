"""Advice in messages, written once: the same advice has the same words."""

FETCH_AGAIN = "fetch the file again"
PREPARE_AGAIN = "prepare the data again"
OTHER_FOLDER = "name another folder"

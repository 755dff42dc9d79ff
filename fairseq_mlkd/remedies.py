"""What messages say: an error in one line; advice, always in the same words."""

FETCH_AGAIN = "fetch the file again"
PREPARE_AGAIN = "prepare the data again"
OTHER_FOLDER = "name another folder"


def describe(error: Exception) -> str:
    """Return what an error says, in one line."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__

"""The one exception that is meant for the person at the keyboard."""


class UserError(ValueError):
    """Something the user gave is wrong; the message says what, where and what to do.

    A `ValueError`, so library callers need to know nothing new. The command line prints
    its message on one line and exits with code 2; every other exception is a bug and keeps
    its traceback.
    """


def reason_of(error: BaseException) -> str:
    """What an error of another library says, on one line; its name where it says nothing.

    Example:

        >>> reason_of(ValueError("no such port\\nhere")), reason_of(OSError())
        ('no such port', 'OSError')
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class Terminated(BaseException):
    """The process was told to end (SIGTERM); what was done is saved, and can be gone on with.

    Like `KeyboardInterrupt` no `Exception`: who catches those goes on, and this is not to.

    Args:
        step: at which a training was saved.
    """

    def __init__(self, step: int | None = None) -> None:
        super().__init__(step)
        self.step = step

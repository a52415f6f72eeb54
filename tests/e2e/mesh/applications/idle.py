"""An application that only is there, so that others can be run beside it."""

import threading


def main() -> None:
    threading.Event().wait()


if __name__ == "__main__":
    main()

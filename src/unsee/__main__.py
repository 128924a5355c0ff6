"""``python -m unsee``, and what ``torchrun -m unsee`` and ``accelerate launch -m unsee`` start."""

from unsee.commands.main import main

if __name__ == "__main__":
    main()

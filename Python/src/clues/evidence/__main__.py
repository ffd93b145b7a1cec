"""``python -m clues.evidence`` is ``clues-capture``, for torchrun."""

import sys

from .command import main

sys.exit(main())

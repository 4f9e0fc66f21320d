"""Keeps the process that sets one paper: JSON in, a file out."""

import json
import sys

if __name__ == "__main__":
    paper = json.load(sys.stdin)
    if sys.argv[1] == "pdf":
        from app.core.papers.pdf import write
    else:
        from app.core.papers.docx import write
    sys.stdout.buffer.write(write(paper))

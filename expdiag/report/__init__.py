"""The findings for people and programs: terminal, JSON, HTML, Markdown."""

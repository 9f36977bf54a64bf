"""What is measured against what: each benchmark measures its reference in the same run.

``docs/performance.md`` explains them. They use what the rooms offer to everybody, and nothing in the register
imports them but the command line.
"""

"""The commands of ``python -m oauth_hook``, one file each: its arguments, and what it does.

They use the library as any program would; the library knows nothing of them.
"""

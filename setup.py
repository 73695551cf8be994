from pathlib import Path

from setuptools import setup

RSA = ["cryptography>=41"]
SANDBOX = ["oauthlib>=3.2.2", "werkzeug>=3", "jinja2>=3"]
TEST = [
    *SANDBOX,
    *RSA,
    "oauthlib[signedtoken]",
    "authlib>=1.3",
    "lti>=0.9.5",
    "requests-oauthlib>=2",
    "pytest>=8",
    "pytest-xdist>=3",
    "hypothesis>=6",
    "requests-toolbelt>=1",
    "selenium>=4.11",
    "trustme>=1",
]
DEV = [*TEST, "types-oauthlib", "mypy>=1.15", "ruff>=0.9", "build>=1"]

setup(
    name="requests-oauth",
    version="1.0.0",
    description="OAuth 1.0a for Python's Requests: one class signs each request as it is sent",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="BSD-3-Clause",
    license_files=["LICENSE", "AUTHORS"],
    author="The requests-oauth authors",
    keywords=["oauth", "oauth1", "oauth 1.0a", "rfc 5849", "requests", "hmac-sha1", "pre_request"],
    packages=["oauth_hook", "oauth_hook.commands", "oauth_hook.sandbox"],
    package_data={"oauth_hook": ["py.typed"], "oauth_hook.sandbox": ["templates/*"]},
    python_requires=">=3.10",
    install_requires=["requests>=2.28,<3"],
    extras_require={"rsa": RSA, "sandbox": SANDBOX, "test": TEST, "dev": DEV},
    entry_points={
        "console_scripts": ["oauth-hook = oauth_hook.__main__:main"],
        "pytest11": ["oauth_hook = oauth_hook.sandbox.pytest_plugin"],
    },
    classifiers=[
        "Development Status :: 5 - Production/Stable",
        "Intended Audience :: Developers",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Internet :: WWW/HTTP",
        "Topic :: Security",
        "Typing :: Typed",
    ],
)

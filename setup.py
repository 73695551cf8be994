import re
from pathlib import Path

from setuptools import setup
from setuptools.command.sdist import sdist

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
# What people use beside Requests: tests/ecosystem tries the hook with each, in an environment of
# its own. niquests brings urllib3-future, which takes urllib3's place, so it gets one for itself.
ECOSYSTEM_BASE = [*SANDBOX, *RSA, "pytest>=8", "pytest-xdist>=3"]
ECOSYSTEM = [
    *ECOSYSTEM_BASE,
    "backoff>=2.2",
    "CacheControl[filecache]>=0.14.1",
    "gevent>=24.10",
    "httpie>=3.2.4",
    "mypy>=1.15",
    "opentelemetry-instrumentation-requests>=0.49b0",
    "opentelemetry-sdk>=1.28",
    "pyright[nodejs]>=1.1.400",
    "pytest-httpserver>=1.1",
    "rauth>=0.7.3",
    "requests-cache>=1.3.3",
    "requests-futures>=1.0.2",
    "requests-mock>=1.12",
    "requests-oauthlib>=2",
    "requests-ratelimiter>=0.7",
    "requests-toolbelt>=1",
    "responses>=0.25",
    "sentry-sdk>=2.19",
    "tenacity>=9",
    "typeguard>=4",
    "vcrpy>=7",
]
ECOSYSTEM_NIQUESTS = [*ECOSYSTEM_BASE, "hypercorn>=0.17", "niquests>=3.21", "trustme>=1"]
DEV = [*TEST, "types-oauthlib", "mypy>=1.15", "ruff>=0.9", "build>=1", "twine>=6"]


class WholeSource(sdist):
    """With all that the tests need, and nothing else that lies around there.

    Of itself setuptools takes nothing but tests/test*.py.
    """

    def make_distribution(self) -> None:
        self.filelist.process_template_line("recursive-include tests *.py")
        self.filelist.process_template_line("recursive-include tests/data *.json")
        self.filelist.process_template_line("recursive-include tests/interop install provider.*")
        self.filelist.process_template_line("include tests/ecosystem/pytest.ini")
        self.filelist.extend(["CHANGES.md", "test_settings.py.template", ".ci/run"])
        super().make_distribution()


(VERSION,) = re.findall(
    r'^__version__ = "(.+)"$',
    Path("oauth_hook/__init__.py").read_text(encoding="utf-8"),
    re.MULTILINE,
)

setup(
    cmdclass={"sdist": WholeSource},
    name="requests-oauth",
    version=VERSION,
    description="OAuth 1.0a for Python's Requests: one class signs each request as it is sent",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license_expression="BSD-3-Clause",
    license_files=["LICENSE", "AUTHORS"],
    author="The requests-oauth authors",
    project_urls={
        "Homepage": "https://pypi.org/project/requests-oauth/",
        "Issues of the original": "https://github.com/maraujop/requests-oauth/issues",
        "RFC 5849": "https://www.rfc-editor.org/rfc/rfc5849",
    },
    keywords=["oauth", "oauth1", "oauth 1.0a", "rfc 5849", "requests", "hmac-sha1", "pre_request"],
    packages=["oauth_hook", "oauth_hook.commands", "oauth_hook.sandbox"],
    package_data={"oauth_hook": ["py.typed"], "oauth_hook.sandbox": ["templates/*"]},
    python_requires=">=3.10",
    install_requires=["requests>=2.28,<3"],
    extras_require={
        "rsa": RSA,
        "sandbox": SANDBOX,
        "test": TEST,
        "ecosystem": ECOSYSTEM,
        "ecosystem-niquests": ECOSYSTEM_NIQUESTS,
        "dev": DEV,
    },
    entry_points={
        "console_scripts": ["oauth-hook = oauth_hook.__main__:main"],
        "httpie.plugins.auth.v1": ["requests-oauth = oauth_hook.httpie_plugin:OAuth1Plugin"],
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
        "Programming Language :: Python :: 3.14",
        "Programming Language :: Python :: 3.15",
        "Programming Language :: Python :: Free Threading :: 3 - Stable",
        "Topic :: Internet :: WWW/HTTP",
        "Topic :: Security",
        "Typing :: Typed",
    ],
)

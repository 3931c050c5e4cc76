"""A fresh program answers quickly because it loads little: what is heavy waits until it is asked for.

Truth: DESIGN.md section 10 (0.2 s to the first answer). Times are the affair of `make bench`; here stands what makes them possible.
"""

import http.client
import os
import subprocess
import sys
from pathlib import Path

import headwater

HEAVY = {"boto3", "botocore", "cryptography", "duckdb", "pyarrow", "rich", "sqlglot", "typer"}
SCOPE = "Credential=test/20260101/us-east-1/s3/aws4_request"
LIST_BUCKETS = {"Authorization": f"AWS4-HMAC-SHA256 {SCOPE}, SignedHeaders=host, Signature={'0' * 64}"}


def test_nothing_heavy_is_loaded_before_the_first_answer(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "headwater", "up", "--port", "0", "--home", str(tmp_path / "home")]
    environment = os.environ | {"PYTHONPATH": str(Path(headwater.__file__).parents[1])}
    with (tmp_path / "imports").open("wb") as imports:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=imports, env=environment, text=True)
        try:
            assert server.stdout is not None
            port = server.stdout.readline().split("  ")[0].rpartition(":")[2]
            connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
            connection.request("GET", "/", headers=LIST_BUCKETS)
            assert connection.getresponse().read()
            connection.close()
        finally:
            server.terminate()
            server.communicate(timeout=20)
    names = [line.rpartition("|")[2].strip() for line in (tmp_path / "imports").read_text().splitlines()]
    loaded = {name.partition(".")[0] for name in names if "." in name}  # of a package that is only looked for, no module is loaded
    assert "headwater" in loaded
    assert loaded & HEAVY == set()

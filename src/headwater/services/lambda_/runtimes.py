"""Which runtime a function asks for, which interpreter of this machine runs it, and the world that it finds there.

The world is AWS's: code in /var/task, layers in /opt, boto3 and the runtime client in /var/runtime, the environment variables of
docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html. Only what AWS's runtime has is importable: not the rest of
Headwater's own packages, on which a function would come to rely by mistake.
"""

import re
from pathlib import Path
from typing import Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.engines import sandbox

from . import nodes
from .interpreters import interpreter_for, own_folders_of, runtime_files
from .model import Version
from .names import invalid
from .worker import Launch

# No function is created with or changed to these. Source: docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, TestRuntimeValidation.
DEPRECATED: Final = frozenset({
    "nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "java8", "python2.7",
    "python3.6", "python3.7", "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "go1.x", "ruby2.5", "ruby2.7", "provided",
})  # fmt: skip
NODE_TRUSTS_MORE_MAX: Final = 18
"""Up to here AWS's Node.js trusts what stands in /var/runtime/ca-cert.pem."""
_PYTHON: Final = re.compile(r"python(3\.\d+)")
_BUNDLES: Final = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")

RESERVED_VARIABLES: Final = frozenset({
    "_HANDLER", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
})  # fmt: skip


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where a version's things are on this machine."""

    task: Path
    opt: Path | None
    certificates: Path
    endpoint_url: str
    credentials: tuple[str, str, str]
    variables: dict[str, str]  # the user's


def check(runtime: str) -> None:
    """Refuse what AWS refuses, before anything is created. (Names that AWS has never had are refused before: the model's enum.) What
    this machine cannot run may be created all the same: whatever else is said of a function holds, and its invocation says what is
    missing.
    """
    if runtime in DEPRECATED:
        raise invalid(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. We recommend you"
            " use a supported runtime while creating or updating functions."
        )


def launch_of(version: Version, places: Places) -> Launch:
    """How to start a worker of this version. Asks the disk for interpreters and packages, once."""
    environment = _environment(version, places)
    refused = sandbox.missing()
    if version.runtime.startswith("provided"):
        argv, notice, binds, hidden = _bootstrap(places, isolated=refused is None)
    elif version.runtime.startswith(nodes.PREFIX):
        argv, notice, binds, hidden = _node(version, places, environment, isolated=refused is None)
    elif _PYTHON.fullmatch(version.runtime) is None:
        raise cannot_run(f"{version.runtime} is of a kind that Headwater does not run: it runs Python, Node.js, and provided.al2023")
    else:
        argv, notice, binds, hidden = _python(version, places, environment, isolated=refused is None)
    launch = Launch(
        argv=argv,
        env=environment,
        view=None,
        cwd=places.task,
        function=version.name,
        version=version.version,
        timeout_s=version.timeout_s,
        memory_mb=version.memory_mb,
        json_log=version.log_format == "JSON",
        notice=notice,
    )
    if refused is not None:
        return msgspec.structs.replace(launch, notice=(*notice, f"HEADWATER {refused}"))
    opt = () if places.opt is None else ((places.opt, "/opt"),)
    view = sandbox.View(
        binds=(*binds, (places.task, "/var/task"), *opt, (places.certificates, "/etc/pki/tls")),
        hidden=hidden,
        tmp_bytes=version.tmp_mb * 2**20,
        cwd="/var/task",
    )
    return msgspec.structs.replace(launch, view=view, cwd=None)


def write_certificates(folder: Path, authority: Path) -> Path:
    """/etc/pki/tls as Amazon Linux has it: the machine's certificates, and Headwater's own authority, which its databases show."""
    bundle = next((Path(path).read_bytes() for path in _BUNDLES if Path(path).is_file()), b"")
    bundle += b"\n" + authority.read_bytes()
    (folder / "certs").mkdir(parents=True, exist_ok=True)
    for path in (folder / "cert.pem", folder / "certs" / "ca-bundle.crt"):
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_bytes(bundle)
        fresh.replace(path)
    return folder


def _environment(version: Version, places: Places) -> dict[str, str]:
    key_id, secret, token = places.credentials
    fixed = {
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": token,
        "AWS_REGION": version.region,
        "AWS_DEFAULT_REGION": version.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{version.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": version.name,
        "AWS_LAMBDA_FUNCTION_VERSION": version.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": version.log_group,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "_HANDLER": version.handler,
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
    }
    if version.log_format == "JSON":
        fixed |= {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": version.application_log_level or "INFO"}
    if version.runtime.startswith(("python", nodes.PREFIX)):
        fixed["SHLVL"] = "0"  # a shell has begun what became the interpreter
    defaults = {
        "AWS_ENDPOINT_URL": places.endpoint_url,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    }
    return defaults | places.variables | fixed


Parts = tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[Path, str], ...], tuple[str, ...]]  # argv, notice, binds, hidden


def _bootstrap(places: Places, *, isolated: bool) -> Parts:
    in_task = (places.task / "bootstrap").is_file()
    if isolated:
        return ("/var/task/bootstrap" if in_task else "/opt/bootstrap",), (), (), ()
    folder = places.task if in_task or places.opt is None else places.opt
    return (str(folder / "bootstrap"),), (), (), ()


def _python(version: Version, places: Places, environment: dict[str, str], *, isolated: bool) -> Parts:
    interpreter = interpreter_for(version.runtime)
    files = runtime_files(interpreter)
    opt = "/opt" if isolated else str(places.opt)
    layered = [f"{opt}/python/lib/python{interpreter.minor}/site-packages", f"{opt}/python"] if places.opt is not None else []
    runtime = ["/var/runtime"] if isolated else list(dict.fromkeys(str(path.parent) for path in files))
    theirs = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = ":".join([*([theirs] if theirs else []), *layered, *runtime])
    if not isolated:
        environment |= {"LAMBDA_TASK_ROOT": str(places.task), "PATH": f"{environment['PATH']}:/opt/homebrew/bin"}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"  # in the view the code is read-only; here this keeps it as it was uploaded
    binds = (*sandbox.interpreter_binds(interpreter.prefix), *((path, f"/var/runtime/{path.name}") for path in files))
    argv: tuple[str, ...] = (str(interpreter.path), "-m", "awslambdaric", version.handler)
    wrapper = environment.get("AWS_LAMBDA_EXEC_WRAPPER")  # a script of the function's, or of a layer, that starts the runtime itself
    if wrapper:
        argv = (wrapper, *argv)
    return argv, (interpreter.notice,) if interpreter.notice else (), binds, own_folders_of(interpreter)


def _node(version: Version, places: Places, environment: dict[str, str], *, isolated: bool) -> Parts:
    interpreter = nodes.node_for(version.runtime)
    if interpreter is None:
        raise cannot_run(f"there is no Node.js on this machine for {version.runtime} (`nvm install 22` or the system's packages bring one)")
    major = version.runtime.removeprefix(nodes.PREFIX).removesuffix(".x")
    opt = "/opt" if isolated else str(places.opt or "/opt")
    modules = (
        f"{opt}/nodejs/node{major}/node_modules",
        f"{opt}/nodejs/node_modules",
        "/var/runtime/node_modules",
        "/var/runtime",
        "/var/task",
    )
    theirs = {name: value for name, value in places.variables.items() if name in ("NODE_PATH", "NODE_EXTRA_CA_CERTS")}
    environment |= {"NODE_PATH": ":".join(modules)}
    binds: tuple[tuple[Path, str], ...] = (*sandbox.interpreter_binds(interpreter.prefix), (nodes.client(), "/var/runtime/index.mjs"))
    if int(major) <= NODE_TRUSTS_MORE_MAX:
        environment["NODE_EXTRA_CA_CERTS"] = "/var/runtime/ca-cert.pem" if isolated else str(places.certificates / "cert.pem")
        binds = (*binds, (places.certificates / "cert.pem", "/var/runtime/ca-cert.pem"))
    environment |= theirs
    if not isolated:
        environment |= {"LAMBDA_TASK_ROOT": str(places.task), "PATH": f"{environment['PATH']}:/opt/homebrew/bin"}
    client = "/var/runtime/index.mjs" if isolated else str(nodes.client())
    heap_mb = max(version.memory_mb * 9 // 10, 64)
    argv: tuple[str, ...] = (str(interpreter.path), f"--max-old-space-size={heap_mb}", client)
    wrapper = environment.get("AWS_LAMBDA_EXEC_WRAPPER")
    if wrapper:
        argv = (wrapper, *argv)
    return argv, (interpreter.notice,) if interpreter.notice else (), binds, ()


def cannot_run(why: str) -> Fault:
    """AWS has this error for a runtime that it no longer runs."""
    return fault("InvalidRuntimeException", f"HEADWATER {why}.", Type="User")

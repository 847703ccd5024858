"""A SLURM cluster of the tests' own: its daemons run as the user who tests, from one folder, and are stopped by pid."""

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"])
DAEMONS = {name: shutil.which(name, path=PATH) for name in ("munged", "slurmctld", "slurmd")}
ABSENT = [name for name, path in DAEMONS.items() if path is None]
PARTITIONS = "partitions:\n  cpu: {max_gpu: 0}\n  gpu: {max_gpu: 1}\n"
NODE_MB = 16_000

# Two nodes on this machine, one of them with a GPU that is none. No accounting, no control groups: no root is needed.
CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
SlurmdParameters=config_overrides
EnforcePartLimits=ALL
MinJobAge=3600
NodeName=cpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory={memory}
NodeName=gpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory={memory} Gres=gpu:1
PartitionName=cpu Nodes=cpu1 Default=YES
PartitionName=gpu Nodes=gpu1
"""


class Cluster:
    """Runs while the `with` block does."""

    def __init__(self) -> None:
        # Not a folder of pytest: paths of sockets are short.
        self.folder = Path(tempfile.mkdtemp(prefix="slurm"))
        self.daemons: list[subprocess.Popen] = []

    def __enter__(self) -> "Cluster":
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(subprocess.SubprocessError, TimeoutError):  # a cluster that did not start has no queue
            self.cancel_all()
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """What a login shell of this cluster has."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": f"{self.folder / 'bin'}{os.pathsep}{PATH}"}

    def ask(self, *command: str) -> str:
        """What a command of SLURM prints."""
        return subprocess.run(
            command, env=os.environ | self.environment, text=True, capture_output=True, check=True, timeout=30
        ).stdout

    def queue(self) -> list[tuple[str, str]]:
        """State and comment of what waits or runs."""
        return [tuple(line.split(" ", 1)) for line in self.ask("squeue", "-h", "-o", "%T %k").splitlines()]

    def jobs(self) -> list[dict[str, str]]:
        """Every job since the cluster was started, by the names that `scontrol show job` uses."""
        lines = self.ask("scontrol", "-o", "show", "job").splitlines()
        return [
            dict(word.split("=", 1) for word in line.split(" ") if "=" in word) for line in lines if "JobId" in line
        ]

    def cancel_all(self) -> None:
        """Empty the queue."""
        self.ask("scancel", "--user", getpass.getuser())
        wait_until(lambda: not self.queue(), seconds=30)

    def _start(self) -> None:
        ports = free_ports(3)
        host = socket.gethostname().partition(".")[0]
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(folder=self.folder, host=host, ports=ports, user=getpass.getuser(), memory=NODE_MB)
        )
        (self.folder / "gres.conf").write_text("NodeName=gpu1 Name=gpu File=/dev/null\n")
        for name in ("state", "spool-cpu1", "spool-gpu1", "bin"):
            (self.folder / name).mkdir()
        # The executor drops SLURM's variables for steps of a job: this cluster is not the one of /etc/slurm.
        step = self.folder / "bin" / "srun"
        step.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {shutil.which("srun", path=PATH)} "$@"\n')
        step.chmod(0o755)
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        files = {"key-file": key.name, "socket": "munge.socket", "pid-file": "munged.pid", "seed-file": "munge.seed"}
        self._run("munged", "--foreground", "--force", *(f"--{k}={self.folder / v}" for k, v in files.items()))
        wait_until((self.folder / "munge.socket").exists, seconds=10)
        self._run("slurmctld", "-D")
        for node in ("cpu1", "gpu1"):
            self._run("slurmd", "-D", "-N", node)
        try:
            wait_until(self._ready, seconds=60)
        except TimeoutError as late:
            logs = "\n".join(log.read_text(errors="replace")[-2000:] for log in self.folder.glob("*.log"))
            raise RuntimeError(f"the SLURM cluster did not start:\n{logs}") from late

    def _ready(self) -> bool:
        try:
            return self.ask("sinfo", "-h", "-N", "-o", "%T").split() == ["idle", "idle"]
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False

    def _run(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}{len(self.daemons)}.log").open("w") as log:
            self.daemons.append(
                subprocess.Popen(
                    [DAEMONS[name], *arguments],
                    env=os.environ | self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def wait_until(condition, *, seconds: float) -> None:
    """Return when `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so within {seconds} s")
        time.sleep(0.2)

"""Processes of the benchmark: started on loopback, watched through /proc, ended by their own ids."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Start-up includes the hub's first migration of its database.
START_SECONDS = 30
END_SECONDS = 10


class Server:
    """A running program and its children."""

    # All that were started, so that none is left behind however the benchmark ends.
    started = []

    def __init__(self, name, command, env=None, cwd=None, log=None):
        self.name = name
        self.url = None
        self.log = log
        self.process = subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=open(log, "wb") if log else None,
        )
        self.started.append(self)

    def read_url(self):
        """Waits for the line of output that ends with the server's address."""
        for line in self.process.stdout:
            last = line.decode(errors="replace").split()[-1:]
            if last and last[0].startswith("http://"):
                self.url = last[0].rstrip("/")
                return self
        raise SystemExit(f"{self.name} ended before it listened{self.said()}")

    def wait_for_port(self, port):
        """Waits until something accepts connections on a port of loopback."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
                continue
            self.url = f"http://127.0.0.1:{port}"
            return self
        raise SystemExit(f"{self.name} does not listen{self.said()}")

    def said(self):
        if not self.log:
            return ""
        return ":\n" + Path(self.log).read_text(errors="replace")[-2000:]

    def pids(self):
        """The process and its direct children (nginx: master and workers)."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def cpu_seconds(self):
        """User and system time so far."""
        ticks = 0
        for pid in self.pids():
            # Fields 14 and 15; the second one, in parentheses, may hold blanks.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS_PER_SECOND

    def memory_bytes(self, field):
        """`VmRSS` (now) or `VmHWM` (the most so far), summed over the processes."""
        total = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith(field + ":"):
                    total += int(line.split()[1]) * 1024
        return total

    def settle(self):
        """Waits until work left behind by the last run (records to be written, say) is done."""
        until = time.monotonic() + 60
        before = self.cpu_seconds()
        while time.monotonic() < until:
            time.sleep(0.25)
            now = self.cpu_seconds()
            if now - before <= 1.5 / TICKS_PER_SECOND:
                return
            before = now

    def end(self):
        if self.process.poll() is None:
            # Both signals end the hub and nginx; the lab waits for Ctrl-C.
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()


def free_port():
    """A port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_lab(binary):
    return Server("lab", [binary, "serve", "--listen", "127.0.0.1:0", "--no-hash", "--keep", "0"]).read_url()


NGINX_CONF = """\
daemon off;
worker_processes {workers};
worker_rlimit_nofile 8192;
pid {prefix}/nginx.pid;
error_log {prefix}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {prefix}/body;
  proxy_temp_path {prefix}/proxy;
  fastcgi_temp_path {prefix}/fastcgi;
  uwsgi_temp_path {prefix}/uwsgi;
  scgi_temp_path {prefix}/scgi;
  client_max_body_size 100m;
  client_body_buffer_size 256k;
  keepalive_requests 100000000;
  upstream lab {{
    server {upstream};
    keepalive 256;
    keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://lab;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_buffering off;
      proxy_read_timeout 600s;
    }}
  }}
}}
"""


def start_nginx(prefix, lab_url, workers):
    """nginx as an operator of server-sent events sets it up, with nothing to log and nothing on disk."""
    prefix.mkdir()
    port = free_port()
    conf = prefix / "nginx.conf"
    conf.write_text(
        NGINX_CONF.format(
            workers=workers, prefix=prefix, upstream=lab_url.removeprefix("http://"), port=port
        )
    )
    command = ["nginx", "-p", str(prefix), "-c", str(conf), "-e", str(prefix / "start.log")]
    return Server("nginx", command, log=prefix / "stderr.log").wait_for_port(port)


def start_hub(command, directory, name, level, admin_token, more=None):
    """The hub on embedded stores with everything on; nothing of the caller's environment reaches it but `more`.
    `command` is its binary, and what runs it."""
    directory.mkdir()
    env = {
        "ADMIN_TOKEN": admin_token,
        "APP_HOST": "127.0.0.1",
        "APP_PORT": "0",
        "DATA_DIR": str(directory / "data"),
        "LOG_LEVEL": level,
        "LOG_FORMAT": "json",
        "METRICS": "true",
        # Nothing leaves this machine.
        "PRICE_SYNC_INTERVAL_SECONDS": "0",
    } | (more or {})
    return Server(name, command, env=env, cwd=directory, log=directory / "log").read_url()


def start_redis(directory, port):
    """A Redis that keeps nothing when it ends."""
    directory.mkdir(exist_ok=True)
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    command += ["--dir", str(directory), "--daemonize", "no", "--logfile", str(directory / "redis.log")]
    return Server("redis", command).wait_for_port(port)

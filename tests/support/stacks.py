"""Generated projects of any size, whose services are as real ones are."""

_HEAD = """\
x-logging: &logging
  driver: json-file
  options: {max-size: 10m, max-file: "3"}
x-health: &health
  interval: 30s
  timeout: 5s
  retries: 3
  start_period: 10s
services:
"""
_SERVICE = """\
  svc{n}:
    image: registry.example.com/team/app{n}:${{TAG:-1.4.{n}}}
    restart: unless-stopped
    environment:
      LOG_LEVEL: ${{LOG_LEVEL:-info}}
{environment}    ports:
      - "{short_port}:8080"
      - target: 9090
        published: "{long_port}"
    volumes:
      - data{volume}:/var/lib/data
      - ./conf/svc{n}.conf:/etc/app/app.conf:ro
      - type: tmpfs
        target: /run/app
        tmpfs:
          size: 64m
    networks:
      - front
      - back
    labels:
      com.example.team: team{team}
      com.example.index: "{n}"
{depends_on}    healthcheck:
      {health}
      test: ["CMD", "curl", "-f", "http://localhost:8080/health"]
{logging}    deploy:
      resources:
        limits:
          cpus: "0.50"
          memory: 256M
        reservations:
          memory: 64M
"""
_VOLUMES = 20
_GROUP = 10
"""Services that belong together: two that the next ones need, and one that needs those."""


def stack(size: int) -> str:
    """Return a Compose file of so many services: ten variables, two ports, three mounts, a check, limits each."""
    services = "".join(_service(number) for number in range(size))
    volumes = "".join(f"  data{number}:\n" for number in range(_VOLUMES))
    return f"{_HEAD}{services}networks:\n  front:\n  back:\n    internal: true\nvolumes:\n{volumes}"


def _service(number: int) -> str:
    anchored = number % 3 == 0
    return _SERVICE.format(
        n=number,
        environment="".join(f"      VARIABLE_{each}: value-{number}-{each}\n" for each in range(1, 10)),
        short_port=10000 + number,
        long_port=20000 + number,
        volume=number % _VOLUMES,
        team=number % 7,
        depends_on=_depends_on(number),
        health="<<: *health" if anchored else "interval: 30s",
        logging="    logging: *logging\n" if anchored else "",
    )


def _depends_on(number: int) -> str:
    # Not deeper: docker compose looks along each way through the graph, and of a few diamonds it makes no end.
    first, place = number - number % _GROUP, number % _GROUP
    if place == _GROUP - 1:
        return "    depends_on:\n" + "".join(f"      - svc{first + each}\n" for each in (2, 3, 4))
    if place < 2:
        return ""
    return (
        f"    depends_on:\n      svc{first}:\n        condition: service_healthy\n"
        f"      svc{first + 1}:\n        condition: service_started\n"
    )

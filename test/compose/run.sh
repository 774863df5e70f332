#!/usr/bin/env bash
# Proves docker-compose.yml on a real engine: everything comes up, faults hurt the bots and healing heals them, Prometheus
# sees it and tells, and nothing is left. Each step has a time in which it must come true.
#
#   test/compose/run.sh              BOTS=20 how many; COMPOSE="docker-compose" which compose, if there are several
#
# Takes free ports, an image and a project name of its own; only the network's addresses are those of the file.
set -euo pipefail
cd "$(dirname "$0")/../.."

source test/compose/engine.sh

bots=${BOTS:-20}
export COMPOSE_PROJECT_NAME=squall-proof-$$
export SQUALL_IMAGE=$COMPOSE_PROJECT_NAME:local
export SQUALL_ADMIN_PORT=0 SQUALL_JOBS_PORT=0 SQUALL_BYTES_PORT=0 PROMETHEUS_PORT=0
SQUALL_PROFILES=$(mktemp -d)
export SQUALL_PROFILES
chmod 755 "$SQUALL_PROFILES"
cp profiles/*.yaml "$SQUALL_PROFILES/"

left() {
  local label=label=com.docker.compose.project=$COMPOSE_PROJECT_NAME
  docker ps -aq --filter "$label"
  docker network ls -q --filter "$label"
  docker volume ls -q --filter "$label"
}
trap 'finish "$SQUALL_PROFILES"' EXIT

inside() { timeout 30 "${compose[@]}" exec -T "$@"; }
address() { timeout 30 "${compose[@]}" port "$1" "$2"; }
call() { curl -sS --fail-with-body --max-time 10 "$@"; }
switch_on() { call -o /dev/null -X PUT "$admin/active" "$@" || fail "switching on: $*"; }
heal() { call -o /dev/null -X DELETE "$admin/active" || fail "healing"; }

# What the job server itself has counted, past Squall.
counted() {
  inside job-server node -e '
    const [, wanted] = process.argv;
    fetch("http://127.0.0.1:3000/metrics")
      .then((answer) => answer.text())
      .then((text) => console.log(text.split("\n").find((line) => line.startsWith(`${wanted} `)).split(" ")[1]));' "$1"
}
completions() { counted 'squall_mock_job_events_total{what="completions"}'; }
more_done() { [ "$(completions)" -gt "$((${1} + bots))" ]; }
everybody_registered() { [ "$(counted squall_mock_bots)" -ge "$bots" ]; }
works_again() {
  local before
  before=$(completions)
  within "$1" "$2" more_done "$before"
}
nothing_done() {
  local before
  before=$(completions)
  sleep 5
  [ "$(completions)" -eq "$before" ]
}
# Whether a question to Prometheus has an answer that is not empty.
known() { call -G "http://$prometheus/api/v1/query" --data-urlencode "query=$1" | grep -q '"result":\[{'; }
unknown() { call -G "http://$prometheus/api/v1/query" --data-urlencode "query=$1" | grep -q '"result":\[\]'; }
fires() { known "ALERTS{alertname=\"$1\",alertstate=\"firing\"}"; }
status_is() { [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 10 "http://$jobs/healthz")" = "$1" ]; }
# As a program in the bots' containers is answered by getaddrinfo: an address or an error code.
resolves_to() {
  [ "$(inside bot node -e 'require("dns").lookup("job-server.example", (error, found) => console.log(error?.code ?? found))' | tr -d '\r')" = "$1" ]
}
logged() { [ "$("${compose[@]}" logs --no-color bot 2>&1 | grep -c "$1")" -gt 0 ]; }
capabilities() { inside "$1" sh -c 'while read -r name value; do [ "$name" != CapEff: ] || echo "$value"; done </proc/1/status' | tr -d '\r'; }
on_loopback_only() {
  local id published
  for id in $("${compose[@]}" ps -q); do
    published=$(docker inspect --format '{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}' "$id")
    for ip in $published; do [ "$ip" = 127.0.0.1 ] || return 1; done
  done
}
running_bots() { "${compose[@]}" ps -q bot | xargs docker inspect --format '{{.State.Running}} {{.RestartCount}}' | grep -c '^true 0$'; }
all_bots_alive() { [ "$(running_bots)" -eq "$bots" ]; }

say "${compose[*]} $("${compose[@]}" version --short 2>/dev/null), engine $(docker version --format '{{.Server.Version}}')"
timeout 900 "${compose[@]}" up -d --build --scale "bot=$bots" >"$SQUALL_PROFILES/.up.log" 2>&1 || {
  tail -40 "$SQUALL_PROFILES/.up.log"
  fail "up --build"
}
say "up --build --scale bot=$bots"
admin=http://$(address squall 8474)
jobs=$(address squall 8080)
bytes=$(address squall 8081)
prometheus=$(address prometheus 9090)

echo "-- bots work"
within 60 "all $bots bots have registered, by a name that only Squall knows" everybody_registered
works_again 60 "bots complete jobs"
holds "ports are published on the host's loopback only" on_loopback_only
holds "Squall's capabilities are NET_ADMIN and NET_BIND_SERVICE" [ "$(capabilities squall)" = 0000000000001400 ]
holds "the image has what V8 made of the command" inside squall sh -c 'ls /squall/dist/command-*.cache'
holds "a bot has none" [ "$(capabilities bot)" = 0000000000000000 ]
holds "a bot is not root" [ "$(inside bot id -u | tr -d '\r')" = 1000 ]
holds "neither is the job server" [ "$(inside job-server id -u | tr -d '\r')" = 1000 ]
holds "the tcp proxy passes bytes" call "http://$bytes/healthz"
holds "Squall's admin port answers to its name in the network" inside bot node -e 'fetch("http://squall:8474/status").then((a) => process.exit(a.ok ? 0 : 1))'

echo "-- Prometheus has the series"
for series in 'up{job="squall"} == 1' 'up{job="job-server"} == 1' 'squall_requests_total{proxy="jobs",code="200"}' \
  'squall_bytes_total{proxy="bytes"} > 0' 'squall_dns_queries_total{proxy="names",rcode="NOERROR"}' \
  'squall_mock_job_events_total{what="completions"} > 0'; do
  within 30 "$series" known "$series"
done

echo "-- a profile switched from the host hurts and heals, and the alert fires"
switch_on -d profile=server-crash -d proxies=jobs
sleep 1
holds "with server-crash no job is completed for 5 s" nothing_done
within 90 "alert JobsStalled fires" fires JobsStalled
within 30 "alert FaultsInForce says which profile" known 'ALERTS{alertname="FaultsInForce",profile="server-crash",alertstate="firing"}'
heal
works_again 60 "healed, bots complete jobs again"
within 90 "alert JobsStalled is over" unknown 'ALERTS{alertname="JobsStalled"}'

echo "-- profiles edited on the host are applied live"
proof=$SQUALL_PROFILES/compose-proof.yaml
profile() { printf 'profile: compose-proof\nsummary: A proof.\ntags: [proof]\nfaults:\n  - %s\n' "$1" >"$proof"; }
profile '{ type: latency, delay: 1ms }'
within 20 "a new file is a profile" call "$admin/profiles/compose-proof"
switch_on -d profile=compose-proof -d proxies=jobs
holds "switched on, requests pass" status_is 200
profile '{ type: http_status, status: 503 }'
within 20 "edited while it is on, requests are answered 503" status_is 503
heal
within 20 "healed, requests pass" status_is 200

echo "-- packet loss by the kernel"
squall_metrics() { call "$admin/metrics" | grep "$1"; }
engine_is_kernel() { call "$admin/active" | grep -q '"engine":"kernel"'; }
table() { inside squall nft list tables | grep squall_; }
no_table() { ! table; }
switch_on -d '{"faults": [{"type": "packet_loss", "loss": "20%", "engine": "kernel", "proxy": "jobs"}]}'
holds "the engine is the kernel" engine_is_kernel
within 10 "its rules are in Squall's container" table
within 30 "the kernel has dropped segments" squall_metrics 'squall_faults_total{.*effect="dropped".*} [1-9]'
works_again 90 "bots complete jobs all the same"
heal
within 10 "healed, the rules are gone" no_table

echo "-- DNS faults reach the bots through their resolver"
holds "a bot resolves job-server.example to Squall" resolves_to 10.253.53.53
switch_on -d profile=dns-failure -d params.on=proxy -d params.calm=1s -d params.away=10m
within 20 "with dns-failure it gets ENOTFOUND" resolves_to ENOTFOUND
# Connections that are open need no name.
call -o /dev/null -X POST "$admin/active" -d '{"faults": [{"type": "reset", "proxy": "jobs"}], "ttl": "1s"}'
within 30 "bots that must connect anew say so in their logs" logged "server's name is not known"
sleep 2
holds "no job is completed for 5 s" nothing_done
within 60 "alert NamesNotResolved fires" fires NamesNotResolved
holds "the journal has whom it hit" sh -c "curl -s '$admin/journal?limit=100' | grep -q '\"type\":\"dns_rcode\".*10\\.253\\.53\\.'"
heal
works_again 60 "healed, bots complete jobs again"

echo "-- down leaves nothing"
holds "all $bots bots live, and none was restarted" all_bots_alive
timeout 120 "${compose[@]}" down -v >/dev/null 2>&1 || fail "down"
holds "no container, network or volume is left" [ -z "$(left)" ]
say "done"

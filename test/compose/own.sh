#!/usr/bin/env bash
# Proves examples/compose on a real engine, with the mock job server in place of `api` and a bot in place of `worker`: the image is built
# and healthy, both ways to configure it work, a mounted profile hurts the worker, and the loopback trap is told.
#
#   test/compose/own.sh              COMPOSE="docker-compose" which compose, if there are several
set -euo pipefail
cd "$(dirname "$0")/../.."

source test/compose/engine.sh

export COMPOSE_PROJECT_NAME=squall-own-$$
export SQUALL_IMAGE=$COMPOSE_PROJECT_NAME:local
export API_IMAGE=$SQUALL_IMAGE WORKER_IMAGE=$SQUALL_IMAGE
folder=$(mktemp -d)
cp -r examples/compose/. "$folder/"
chmod -R a+rX "$folder"
# What the user has already: an API, and a worker that takes its address from the environment. And any free port of the host.
cat >"$folder/theirs.yaml" <<'YAML'
services:
  api:
    command: [mock-server, --host, 0.0.0.0, --port, "3000", --feed, 200ms]
  worker:
    entrypoint: [sh, -c, 'exec squall bot --server "$$JOB_SERVER" --name worker-1 --work-time 100ms']
YAML
sed -i 's/127\.0\.0\.1:8474:8474/127.0.0.1:0:8474/' "$folder/compose.yaml"
up() { timeout 300 "${compose[@]}" --project-directory "$folder" "$@" up -d >"$folder/.up.log" 2>&1 || fail "up: $(tail -5 "$folder/.up.log")"; }
environment=(-f "$folder/compose.yaml" -f "$folder/theirs.yaml")
file=(-f "$folder/compose.yaml" -f "$folder/with-file.yaml" -f "$folder/theirs.yaml")

trap 'finish "$folder" --project-directory "$folder" "${file[@]}"' EXIT

container() { "${compose[@]}" "${file[@]}" ps -q "$1"; }
health_is() { [ "$(docker inspect --format '{{.State.Health.Status}}' "$(container "$1")")" = "$2" ]; }
admin() { docker port "$(container squall)" 8474 | head -1; }
call() { curl -sS --fail-with-body --max-time 10 "$@"; }
squall() { timeout 30 docker exec "$(container squall)" squall "$@"; }
hit() { squall journal --limit 200 | grep -q "worker-1.*$1\|$1.*worker-1"; }

say "${compose[*]}, engine $(docker version --format '{{.Server.Version}}')"
timeout 900 docker build -q -t "$SQUALL_IMAGE" . >/dev/null || fail "docker build"
say "docker build"

for way in environment file; do
  echo "-- configured by $way"
  if [ "$way" = environment ]; then up "${environment[@]}"; else up "${file[@]}"; fi
  for service in squall api worker; do within 120 "$service is healthy" health_is "$service" healthy; done
  within 30 "the worker's requests pass through Squall" sh -c "curl -sS http://$(admin)/metrics | grep -q 'squall_requests_total{proxy=\"jobs\".*code=\"200\"'"
  call -o /dev/null -X PUT "http://$(admin)/active" -d profile=slow-api
  within 30 "the mounted profile hits the worker, and the journal says so" hit http_delay
  squall heal >/dev/null
  say "healed"
done

echo "-- the loopback trap"
id=$(docker run -d -e SQUALL__PROXIES__JOBS__LISTEN=127.0.0.1:8080 -e SQUALL__PROXIES__JOBS__UPSTREAM=http://api:3000 "$SQUALL_IMAGE")
told() { docker logs "$id" 2>&1 | grep -q "this is a container, and every proxy listens on its loopback"; }
within 60 "is told at the start" told
docker rm -f "$id" >/dev/null

echo "-- a daemon that is not well"
id=$(docker run -d -e SQUALL_ADMIN=http://127.0.0.1:1 "$SQUALL_IMAGE" serve)
unhealthy() { [ "$(docker inspect --format '{{.State.Health.Status}}' "$id")" = unhealthy ]; }
within 120 "is told from one that is" unhealthy
docker rm -f "$id" >/dev/null
say "done"

#!/usr/bin/env bash
# Proves deploy/fleet on a real engine: three daemons come up, one call switches all of them, their bots are hit, healing heals, and a
# fault ends in time though NATS is gone.
#
#   test/compose/fleet.sh            COMPOSE="docker-compose" which compose; NATS_IMAGE=nats:2.10 which NATS
set -euo pipefail
cd "$(dirname "$0")/../.."

source test/compose/engine.sh

export COMPOSE_PROJECT_NAME=squall-fleet-$$
export SQUALL_IMAGE=$COMPOSE_PROJECT_NAME:local SQUALL_ADMIN_PORT=0
folder=$(mktemp -d)
chmod 755 "$folder"
cp -r deploy/fleet/. "$folder/"
chmod -R a+rX "$folder"
# The image is built from here, and an old NATS does not know when to write.
sed -i "s#build: ../..#build: $PWD#" "$folder/compose.yml"
compose+=(-f "$folder/compose.yml")
version=$(docker run --rm --entrypoint nats-server "${NATS_IMAGE:-nats:2.12-alpine}" --version | sed 's/[^0-9]*\([0-9]*\)\.\([0-9]*\).*/\1\2/')
[ "$version" -ge 210 ] || sed -i '/sync_interval/d' "$folder/nats.conf"

trap 'finish "$folder"' EXIT

container() { "${compose[@]}" ps -q "$1"; }
health_is() { [ "$(docker inspect --format '{{.State.Health.Status}}' "$(container "$1")")" = "$2" ]; }
call() { curl -sS --fail-with-body --max-time 20 "$@"; }
squall() { timeout 30 docker exec "$(container "squall-$1")" squall "${@:2}"; }
all() { local one; for one in a b c; do "$1" "$one" "${@:2}" || return 1; done; }
disturbed() { squall "$1" status | grep -q "$2"; }
calm() { ! disturbed "$1" "$2"; }
there_are() { [ "$(call "http://$admin/fleet" | grep -o '"state":"[a-z_]*"' | wc -l)" -ge "$1" ]; }

say "${compose[*]}, engine $(docker version --format '{{.Server.Version}}')"
timeout 900 docker build -q -t "$SQUALL_IMAGE" . >/dev/null || fail "docker build"
say "docker build"
timeout 300 "${compose[@]}" up -d --no-build >"$folder/.up.log" 2>&1 || fail "up: $(tail -5 "$folder/.up.log")"
for one in a b c; do within 120 "squall-$one is healthy" health_is "squall-$one" healthy; done
admin=$(docker port "$(container squall-a)" 8474 | head -1)
within 60 "three daemons know of each other" there_are 3

call -o /dev/null -X PUT "http://$admin/fleet/active" -d '{"profile": "high-latency", "ttl": "2m", "why": "proof"}' || fail "switching on"
within 30 "one call switched all three" all disturbed high-latency
call -o /dev/null -X DELETE "http://$admin/fleet/active" || fail "healing"
within 30 "healing healed all three" all calm high-latency

call -o /dev/null -X PUT "http://$admin/fleet/active" -d '{"profile": "high-latency", "ttl": "60s"}' || fail "switching on again"
within 45 "all three are under it" all disturbed high-latency
docker kill "$(container nats)" >/dev/null
say "NATS is gone"
within 90 "it is over in time all the same" all calm high-latency
say "done"

#!/usr/bin/env bash
# A step of a CI job: runs the test suite that it is given under each profile, and fails with what was done to it.
#     examples/curl/chaos.sh high-latency lost-ack -- npm run test:e2e
set -euo pipefail
admin=${SQUALL_ADMIN:-http://127.0.0.1:8474}

profiles=()
while [ "$1" != -- ]; do profiles+=("$1"); shift; done
shift

curl -sf --retry 30 --retry-connrefused --retry-delay 1 "$admin/readyz" >/dev/null
trap 'curl -sf -X DELETE "$admin/active" >/dev/null' EXIT

for profile in "${profiles[@]}"; do
  mark=$(curl -sf "$admin/journal/marks" --data-urlencode "text=$profile begins" | sed -E 's/.*"seq": ?([0-9]+).*/\1/')
  # The same seed hits the same requests in each run; the ttl heals should this script be killed.
  curl -sS --fail-with-body -X PUT "$admin/active" -d "profile=$profile" -d seed=7 -d ttl=10m >/dev/null
  if ! "$@"; then
    echo "failed under $profile:"
    curl -sf "$admin/journal?since=$mark&limit=50"
    exit 1
  fi
  # A profile that touched nothing has shown nothing.
  if ! curl -sf "$admin/journal?kind=fault_hit&since=$mark&limit=1" | grep -q '"fault_hit"'; then
    echo "$profile hit nothing"
    exit 1
  fi
done

# What the proofs on a real engine have in common: whether there is one, which compose, and how each step is told. To be sourced.
skip() {
  echo "skipped: $1 (needs: a Docker engine with compose)"
  exit 0
}
command -v docker >/dev/null || skip "there is no docker"
timeout 20 docker info >/dev/null 2>&1 || skip "no engine answers"
if [ -n "${COMPOSE:-}" ]; then
  read -ra compose <<<"$COMPOSE"
elif docker compose version >/dev/null 2>&1; then
  compose=(docker compose)
elif command -v docker-compose >/dev/null; then
  compose=(docker-compose)
else
  skip "there is no compose"
fi

say() { printf '%4d s  %s\n' "$SECONDS" "$1"; }
fail() {
  say "FAILED: $1"
  exit 1
}
# Seconds, what should come true, and a command that tells whether it has.
within() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || fail "$what"
    sleep 0.5
  done
  say "$what"
}
holds() {
  local what=$1
  shift
  "$@" >/dev/null 2>&1 || fail "$what"
  say "$what"
}

# How a proof ends, whatever comes: what failed is told by the last lines of its logs, all is taken down, and the image and that folder are
# removed. To be trapped with the folder, and what compose must be told besides.
finish() {
  local status=$? folder=$1
  shift
  trap - EXIT
  if [ "$status" -ne 0 ]; then
    timeout 60 "${compose[@]}" "$@" ps || true
    timeout 60 "${compose[@]}" "$@" logs --no-color --tail 5 2>&1 | cut -c1-200 || true
  fi
  timeout 120 "${compose[@]}" "$@" down -v --remove-orphans >/dev/null 2>&1 || true
  docker image rm "$SQUALL_IMAGE" >/dev/null 2>&1 || true
  rm -r "${folder:?}"
  exit "$status"
}
trap 'exit 130' INT TERM

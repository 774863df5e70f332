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

#!/usr/bin/env bash
# Runs peers and ours in turns on the same candles and prints how they compare; see README.md.
#
# usage: benches/peers/run.sh [--bars N] [--rounds N] [--with nautilus] [--with barter]
#
# Everything it makes is below target/peers. SWARM names a binary that is built already, PYTHON the
# interpreter to make the environment with; barter is a Rust crate and needs cargo.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/target/peers

usage() { sed -n '4s/^# //p' "$here/run.sh" >&2; exit 2; }

bars=1000000 rounds=3 peers=(vectorbt backtesting)
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage
  case $1 in
    --bars) bars=$2 ;;
    --rounds) rounds=$2 ;;
    --with)
      case $2 in
        nautilus) peers+=(nautilus) ;;
        barter) peers+=(barter barter-held barter-idle) ;;
        *) echo "no peer is called $2; there are nautilus and barter" >&2; exit 2 ;;
      esac ;;
    *) usage ;;
  esac
  shift 2
done
for number in "$bars" "$rounds"; do
  [[ $number =~ ^[1-9][0-9]{0,7}$ ]] || { echo "$number is not a number of bars or rounds" >&2; exit 2; }
done
# The crossing has lost 11 % of its equity after a million of these bars; at 15 % the breaker ends its trading.
if [ "$bars" -lt 100 ] || [ "$bars" -gt 1000000 ]; then
  echo "--bars is 100 to 1000000" >&2; exit 2
fi
[ "$rounds" -ge 3 ] || { echo "--rounds is 3 or more: the table shows medians" >&2; exit 2; }

mkdir -p "$work/data/1m"

venv=$work/venv
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
install() {
  # A stamp keeps a second run off the network; it is the list itself, so that a changed list installs.
  cmp -s "$here/$1" "$venv/$1" && return
  echo "installing $1 into target/peers/venv" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/$1" >&2
  cp "$here/$1" "$venv/$1"
}
install requirements.txt
case " ${peers[*]} " in *" nautilus "*) install requirements-nautilus.txt ;; esac

file=$work/data/1m/BTCUSDT_$bars.csv
if [ ! -f "$file" ]; then
  echo "making $bars bars" >&2
  # Two files that tell of the same time are refused by a backtest.
  rm -f "$work"/data/1m/BTCUSDT_*.csv
  "$venv/bin/python" "$here/bars.py" "$bars" "$file"
fi

swarm=${SWARM:-}
if [ -z "$swarm" ]; then
  (cd "$root" && cargo build --release --locked >&2)
  swarm=${CARGO_TARGET_DIR:-$root/target}/release/swarm
fi
"$swarm" check "$here/ema_cross.yaml" >&2

case " ${peers[*]} " in *" barter "*)
  # A package and a lock of its own, so that ours neither builds nor locks what it brings.
  CARGO_TARGET_DIR=$work/barter cargo build --release --locked --manifest-path "$here/barter/Cargo.toml" >&2 ;;
esac

"$venv/bin/python" "$here/measure.py" --swarm "$swarm" --python "$venv/bin/python" \
  --barter "$work/barter/release/peer-barter" --data "$work/data" --file "$file" \
  --bars "$bars" --rounds "$rounds" "${peers[@]}" | tee "$work/table.md"

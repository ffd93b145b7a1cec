#!/usr/bin/env bash
# Fuzzes every reader in turn and says how many inputs each has seen.
#
#   fuzz.sh EXECUTABLE SECONDS [TARGET…]
#
# The corpus grows in .build-fuzz/corpus; what crashes, hangs or takes too much memory lies in .build-fuzz/finds, and the
# exit status is then 1. Mend it, and add it to Tests/Hostile.
set -uo pipefail

executable=$(realpath "$1")
seconds=$2
shift 2
root=$(cd "$(dirname "$0")/.." && pwd)
work=$root/.build-fuzz
targets=("$@")
[ $# -gt 0 ] || targets=($(ls "$root/Fuzz/seeds"))
# Dumps are for people; here they would only take time. Leaks are not what we are after: mapped files are let go late.
export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:handle_abort=1

found=0
printf '%-14s %12s %10s %10s %8s\n' reader inputs per-second coverage finds
for target in "${targets[@]}"; do
  corpus=$work/corpus/$target finds=$work/finds/$target log=$work/$target.log
  mkdir -p "$corpus" "$finds"
  before=$(ls "$finds" | wc -l)
  FUZZ_TARGET=$target "$executable" "$corpus" "$root/Fuzz/seeds/$target" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=1500 -malloc_limit_mb=4400 -max_len=65536 -print_final_stats=1 -artifact_prefix="$finds/" \
    < /dev/null > "$log" 2>&1
  status=$?
  inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
  speed=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log" | tail -1)
  coverage=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -c6-)
  new=$(($(ls "$finds" | wc -l) - before))
  printf '%-14s %12s %10s %10s %8s\n' "$target" "${inputs:-?}" "${speed:-?}" "${coverage:-?}" "$new"
  if [ $status != 0 ] || [ $new != 0 ]; then
    found=1
    grep -m3 -E 'ERROR: |Fatal error|SUMMARY' "$log" | sed 's/^/  /'
    ls -t "$finds" | head -n "$new" | sed "s|^|  $finds/|"
  fi
done
exit $found

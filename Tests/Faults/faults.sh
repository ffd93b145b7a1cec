#!/usr/bin/env bash
# What happens to results when runs go wrong: disks full, inputs that cannot be read, folders removed midway, Ctrl-C and
# SIGKILL at random moments.
#
#   faults.sh CLUES RUNS [SEED]
#
# FULL=limit takes a limit on the size of files for a full disk, as it does where no disk can be mounted.
#
# After each run: under the final name stands the previous result, byte by byte, or the new one, whole; a run that says
# it failed left the previous one; and the next run leaves no temporary file. Prints a table; exits with 1 if anything
# else was seen.
set -uo pipefail
shopt -s nullglob

clues=$(realpath "$1")
runs=$2
RANDOM=${3:-$$}
here=$(cd "$(dirname "$0")" && pwd)
inputs=$here/../Fixtures/tiny
work=$(mktemp -d "${TMPDIR:-/tmp}/clues-faults.XXXXXX")
export HOME=$work SWIFT_BACKTRACE=enable=no
disk=

finish() {
  [ -z "$disk" ] || umount "$disk" 2>/dev/null
  rm -rf "$work"
}
trap finish EXIT

actions=(run merge archive pack score select)
faults=(kill interrupt twice full unreadable gone)

cp -r "$inputs/c0" "$inputs/c1" "$work/"
rm -rf "$work"/c?/init
cat > "$work/recipe.yaml" <<RECIPE
clients: [c0, c1]
score: {scorer: clues}
select: {threshold: anchor-mean}
weights: kept-samples
merge: {method: ties, parameters: {density: 0.5}}
RECIPE
# Large enough to be caught in the act.
head -c 30000000 /dev/urandom > "$work/noise"

# Each action makes a result in two versions, old and new: `act ACTION VERSION FOLDER`.
act() {
  local density=0.2 method=average scorer=grand rule=anchor-mean part=gradients
  [ "$2" = old ] || { density=0.5 method=task-arithmetic scorer=tracin rule=otsu part=optimizer; }
  case $1 in
    run) "$clues" run "$work/$input.yaml" -o "$3/out" --force -q --set "merge.parameters.density=$density" ;;
    merge) "$clues" merge "$work/$input" "$work/c1" --method $method -o "$3/out" --force -q ;;
    archive) "$clues" merge "$work/$input" "$work/c1" --method $method -o "$3/out.tar.gz" --force -q ;;
    pack) "$clues" pack "$work/$input" -o "$3/out.tar.xz" --with $part --client c0 --force ;;
    score) "$clues" score "$work/$input" --scorer $scorer -o "$3/out.jsonl" --force -q ;;
    select) "$clues" select "$work/$input.jsonl" --threshold $rule -o "$3/out" --force ;;
  esac
}

# What tells a result from another: all its files but the record of when and where it was made.
print_of() {
  (
    cd "$1" 2>/dev/null || exit
    find . -type f ! -path '*/.*clues-draft-*' | LC_ALL=C sort | while read -r file; do
      case $file in
        */run.json | */report.html | *.tar.gz) echo "$file" ;;
        *) echo "$file $(sha256sum < "$file")" ;;
      esac
    done
  ) | sha256sum | cut -c1-16
}

# The same, every byte.
bytes_of() { (cd "$1" 2>/dev/null && find . -type f ! -path '*/.*clues-draft-*' -print0 | LC_ALL=C sort -z | xargs -0r sha256sum) | sha256sum; }

# Whether what stands there can be used.
is_whole() {
  case $1 in
    run | merge) "$clues" inspect "$2/out" ;;
    archive) "$clues" inspect "$2/out.tar.gz" ;;
    pack) "$clues" inspect "$2/out.tar.xz" ;;
    score) "$clues" select "$2/out.jsonl" ;;
    select) "$clues" select "$work/c0.jsonl" --with "$2/out/clues/threshold.json" ;;
  esac > "$work/said" 2>&1
}

# Whether there is something that is no result.
begins() {
  local entry
  for entry in "$1"/* "$1"/.[!.]*; do
    case ${entry##*/} in
      out | out.tar.gz | out.tar.xz | out.jsonl | out.origin.json) ;;
      *) return 0 ;;
    esac
  done
  return 1
}

drafts_in() { find "$1" -name '*clues-draft-*' 2>/dev/null; }

input=recipe
"$clues" score "$work/c0" --scorer loss -o "$work/c0.jsonl" -q > /dev/null 2>&1 || "$clues" score "$work/c0" --scorer grand -o "$work/c0.jsonl" -q || exit 2

declare -A old new took count kept made failures
for action in "${actions[@]}"; do
  input=c0; [ "$action" = run ] && input=recipe
  for version in old new; do
    folder=$work/reference-$action-$version
    mkdir "$folder"
    start=$(date +%s%N)
    act "$action" $version "$folder" > "$work/said" 2>&1 || { echo "$action does not work at all:"; cat "$work/said"; exit 2; }
    took[$action]=$((($(date +%s%N) - start) / 1000000 + 1))
    [ $version = old ] && old[$action]=$(print_of "$folder") || new[$action]=$(print_of "$folder")
  done
  [ "${old[$action]}" != "${new[$action]}" ] || [ "$action" = archive ] || { echo "$action: the two versions are alike"; exit 2; }
done

# A small disk, where we may mount one.
if [ "${FULL:-disk}" = disk ] && [ "$(id -u)" = 0 ] && mkdir "$work/disk" && mount -t tmpfs -o size=64m none "$work/disk" 2>/dev/null; then
  disk=$work/disk
fi

complain() {
  echo "  $action, $fault (run $number): $1" >&2
  failures[$action,$fault]=$((${failures[$action,$fault]:-0} + 1))
}

for ((number = 0; number < runs; number++)); do
  action=${actions[number % ${#actions[@]}]}
  # Every pair once in thirty-six runs, every fault in six.
  fault=${faults[(number + number / ${#actions[@]}) % ${#faults[@]}]}
  place=$work/place
  [ "$fault" = full ] && [ -n "$disk" ] && place=$disk/place
  mkdir -p "$place"
  # Every other time there is a previous result.
  had=$((RANDOM % 4))
  if [ $had != 0 ]; then cp -r "$work/reference-$action-old/." "$place/"; fi
  before=$(bytes_of "$place")
  input=c0; [ "$action" = run ] && input=recipe
  moment=$((RANDOM % (took[$action] * 11 / 10 + 1)))
  moment=$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))
  status=0
  case $fault in
    kill | interrupt | twice | gone)
      act "$action" new "$place" > "$work/said" 2>&1 &
      shell=$!
      if [ $((RANDOM % 2)) = 0 ]; then
        sleep "$moment"
      else
        # Most of a run reads and computes; this is the moment when it begins to write, and a little later.
        until begins "$place" || ! kill -0 $shell 2>/dev/null; do :; done
        [ $((RANDOM % 2)) = 0 ] || sleep 0.0$((RANDOM % 30 + 10))
      fi
      process=
      read -r process 2> /dev/null < /proc/$shell/task/$shell/children
      case $fault in
        kill) [ -z "$process" ] || kill -KILL $process 2>/dev/null ;;
        interrupt) [ -z "$process" ] || kill -INT $process 2>/dev/null ;;
        twice) [ -z "$process" ] || { kill -INT $process; kill -INT $process; } 2>/dev/null ;;
        # At once: `rm -r` takes file by file, and could take a part of what is being put there.
        gone) mv "$place" "$work/removed" 2>/dev/null && rm -rf "$work/removed" ;;
      esac
      wait $shell 2>/dev/null
      status=$?
      ;;
    full)
      if [ -n "$disk" ]; then
        # Room for what is there and for a random part of what is to come.
        size=$(du -sk "$work/reference-$action-new" | cut -f1)
        filler=$(($(df -k --output=avail "$disk" | tail -1) - RANDOM % (size + 4)))
        head -c $((filler * 1024)) "$work/noise" /dev/zero > "$disk/filler" 2>/dev/null
        act "$action" new "$place" > "$work/said" 2>&1
        status=$?
        rm -f "$disk/filler"
      else
        size=$(du -sk "$work/reference-$action-new" | cut -f1)
        (ulimit -f $((RANDOM % (size + 1))); act "$action" new "$place") > "$work/said" 2>&1
        status=$?
      fi
      ;;
    unreadable)
      # Cut off somewhere: a file of the client, the recipe, or the scores.
      rm -rf "$work/broken" "$work/broken.yaml" "$work/broken.jsonl"
      cp -r "$work/c0" "$work/broken"
      sed 's/c0/broken/' "$work/recipe.yaml" > "$work/broken.yaml"
      victim=$work/broken/checkpoint-8/adapter_model.safetensors
      [ "$action" = select ] && { cp "$work/c0.jsonl" "$work/broken.jsonl"; victim=$work/broken.jsonl; }
      if [ "$(id -u)" != 0 ] && [ $((RANDOM % 2)) = 0 ]; then
        chmod 000 "$victim"
      elif [ "$action" = pack ]; then
        # What is packed is not looked into; what is not there cannot be packed.
        rm -f "$victim"
      else
        truncate -s $((RANDOM % $(stat -c %s "$victim"))) "$victim"
        [ "$action" != select ] || printf '{"client' >> "$victim"
      fi
      input=broken
      act "$action" new "$place" > "$work/said" 2>&1
      status=$?
      [ $status != 0 ] || complain "an input that cannot be read is no error"
      ;;
  esac

  count[$action,$fault]=$((${count[$action,$fault]:-0} + 1))
  after=$(bytes_of "$place")
  if [ "$fault" = gone ]; then
    # Removed by somebody else: what is there afterwards is whole, or nothing is.
    if [ -n "$(find "$place" -type f ! -path '*/.*clues-draft-*' 2>/dev/null)" ]; then
      made[$action,$fault]=$((${made[$action,$fault]:-0} + 1))
      [ "$(print_of "$place")" = "${new[$action]}" ] || complain "half a result stands where the folder was"
    else
      kept[$action,$fault]=$((${kept[$action,$fault]:-0} + 1))
    fi
  elif [ "$after" = "$before" ]; then
    kept[$action,$fault]=$((${kept[$action,$fault]:-0} + 1))
    [ $status != 0 ] || [ "$(print_of "$place")" = "${new[$action]}" ] || complain "it says that it is done, and is not"
  else
    made[$action,$fault]=$((${made[$action,$fault]:-0} + 1))
    [ "$(print_of "$place")" = "${new[$action]}" ] || complain "what stands there is neither the previous result nor the new one"
    is_whole "$action" "$place" || complain "what stands there cannot be used: $(cat "$work/said")"
    case $status in
      0 | 137) ;;
      130) [ "$fault" = twice ] || complain "it says that nothing was written, but something was" ;;
      *) complain "it failed with $status, but the result is new: $(cat "$work/said")" ;;
    esac
  fi
  case $status in
    0 | 65 | 66 | 73 | 78 | 130) ;;
    137) [ "$fault" = kill ] || complain "it was killed" ;;
    *) complain "it ended with $status: $(tail -3 "$work/said")" ;;
  esac
  case $status in
    73 | 65 | 66 | 78) [ -z "$(drafts_in "$place")" ] || complain "it failed in order and left $(drafts_in "$place")" ;;
  esac

  # The next run, undisturbed.
  mkdir -p "$place"
  input=c0; [ "$action" = run ] && input=recipe
  act "$action" new "$place" > "$work/said" 2>&1 || complain "the next run fails: $(cat "$work/said")"
  [ "$(print_of "$place")" = "${new[$action]}" ] || complain "the next run's result is another"
  [ -z "$(drafts_in "$place")" ] || complain "the next run leaves $(drafts_in "$place")"
  ! begins "$place" || complain "strange files: $(ls -A "$place")"
  rm -rf "$place"
done

printf '%-9s' ''
for fault in "${faults[@]}"; do printf '%22s' "$fault"; done
echo
wrong=0
for action in "${actions[@]}"; do
  printf '%-9s' "$action"
  for fault in "${faults[@]}"; do
    key=$action,$fault
    printf '%22s' "${count[$key]:-0}: ${kept[$key]:-0} old, ${made[$key]:-0} new"
    wrong=$((wrong + ${failures[$key]:-0}))
  done
  echo
done
[ -n "$disk" ] && how='a small disk' || how='a limit on files'
echo "$runs runs (full: $how), $wrong of them wrong"
[ $wrong = 0 ]

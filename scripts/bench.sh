#!/usr/bin/env bash
# Measures a clone against plain INSERT … SELECT of the same rows: bench.sh [shape…] (dump documents medplum large rails moving registry blobs;
# without any, all but blobs). Prints a header, a table per shape and, at the end, a line per goal:
# goal <name> <value> <limit> met|short. Every figure is a ratio within this run: contestants take turns, medians count.
# BENCH_SCALE=tiny|small|full (default small; tiny shows only that everything runs), BENCH_ROUNDS, BENCH_DIR (where the private cluster goes),
# BENCH_MARKDOWN=<file> writes the tables there too. PG_CONFIG chooses the PostgreSQL; the extension must be installed.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
here=$root/scripts/bench
use_postgresql
. "$here/cluster.sh"
. "$here/measure.sh"
for shape in documents large medplum rails moving registry; do . "$here/$shape.sh"; done

scale=${BENCH_SCALE:-small}
case $scale in
    tiny) documents=1000 few_documents=200 medplum_doublings=0 large_documents=20 registry_calls=10 shared_buffers=128MB max_wal_size=1GB rounds=${BENCH_ROUNDS:-1} ;;
    small) documents=50000 few_documents=10000 medplum_doublings=1 large_documents=1000 registry_calls=300 shared_buffers=128MB max_wal_size=2GB rounds=${BENCH_ROUNDS:-3} ;;
    full) documents=1000000 few_documents=10000 medplum_doublings=5 large_documents=20000 registry_calls=1000 shared_buffers=1GB max_wal_size=8GB rounds=${BENCH_ROUNDS:-3} ;;
    *) fail "BENCH_SCALE=$scale: tiny, small or full" ;;
esac

shapes=("$@")
[ ${#shapes[@]} -gt 0 ] || shapes=(dump documents medplum large rails moving registry)
for shape in "${shapes[@]}"; do
    case $shape in
        dump | documents | medplum | large | rails | moving | registry | blobs) ;;
        *) fail "unknown shape $shape: dump, documents, medplum, large, rails, moving, registry or blobs" ;;
    esac
done

header() {
    echo "- Machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(awk '/^MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r); load at the start: $(cut -d' ' -f1-3 /proc/loadavg)"
    echo "- Server: $("$PG_CONFIG" --version), shared_buffers $shared_buffers, max_wal_size $max_wal_size, fsync on, autovacuum off, a fresh copy of the data and a checkpoint before each run"
    echo "- Extension: commit $(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown), $(rustc --version)"
    echo "- Scale $scale, $rounds rounds in turn, medians: BENCH_SCALE=$scale make bench"
}

start_cluster
header
for shape in "${shapes[@]}"; do
    [ "$shape" = blobs ] || "shape_$shape"
done
echo "- Load at the end: $(cut -d' ' -f1-3 /proc/loadavg)"
echo
report() {
    local shape
    for shape in "${shapes[@]}"; do
        [ "$shape" = blobs ] || "tables_$shape"
    done
    printf '%s\n' "${goals[@]}"
}
if [ -n "${BENCH_MARKDOWN:-}" ]; then report | tee "$BENCH_MARKDOWN"; else report; fi
for shape in "${shapes[@]}"; do
    [ "$shape" != blobs ] || "$root/scripts/bench/blobs.sh"
done

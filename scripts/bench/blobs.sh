#!/usr/bin/env bash
# Throughput of `pg_clone blobs run` against plain tools, in one run: `cp -r` for directories, `aws s3 cp --recursive` between
# buckets of a SeaweedFS on loopback, at 1,000 x 100 kB and 4 x 1 GB. The contestants take turns for BENCH_ROUNDS rounds (3),
# each after a sync of the file system, sources in the cache; medians count. Prints one line per goal: goal <name> <value> <limit>
# met|short, the value being their time over ours.
# Directories are measured twice, as like against like: with --no-sync against plain cp, which leaves its files to the
# system's cache, and as by default against cp followed by sync -f, for then both have their files on disk when they end.
# The default against plain cp is printed beside it.
# Usage: scripts/bench/blobs.sh [directories] [buckets]
# Needs a release build (cargo build --release -p pg_clone), PostgreSQL's programs, 30 GB of disk; BENCH_SMALL=1 runs a
# tenth of the large sizes. The AWS command line is installed from PyPI when there is none.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
what=${*:-directories buckets}
rounds=${BENCH_ROUNDS:-3}
pg_clone=${PG_CLONE_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/pg_clone}
[ -x "$pg_clone" ] || { echo "build it first: cargo build --release -p pg_clone" >&2; exit 2; }
scratch=$(mktemp -d "${BENCH_DIR:-/var/tmp}/pg_clone-bench.XXXXXX")
chmod 755 "$scratch"
bin=$(pg_config --bindir 2>/dev/null || ls -d /usr/lib/postgresql/*/bin | tail -1)
as_server() { if [ "$(id -u)" = 0 ]; then setpriv --reuid postgres --regid postgres --clear-groups "$@"; else "$@"; fi; }

weed_pid=
cleanup() {
    [ -z "$weed_pid" ] || { kill "$weed_pid" && wait "$weed_pid"; } 2>/dev/null || true
    as_server "$bin/pg_ctl" -D "$scratch/pg/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$scratch"
}
trap cleanup EXIT

mkdir "$scratch/pg"
[ "$(id -u)" != 0 ] || chown postgres "$scratch/pg"
as_server "$bin/initdb" -D "$scratch/pg/data" -A trust -U postgres >/dev/null
as_server "$bin/pg_ctl" -D "$scratch/pg/data" -l "$scratch/pg/log" -w \
    -o "-c listen_addresses= -c unix_socket_directories=$scratch/pg" start >/dev/null
export PGHOST=$scratch/pg PGUSER=postgres PGDATABASE=postgres
psql -qc 'CREATE SCHEMA IF NOT EXISTS clone' 2>/dev/null
for script in stores/catalog runs/runs runs/blob_queue; do psql -qX -v ON_ERROR_STOP=1 -f "sql/install/$script.sql" 2>/dev/null; done
psql -qX -c "INSERT INTO clone.run (store, source_project, target_project, arguments, run_by, session_by, started_at)
             VALUES ('files', 'a', 'b', '{}', 'bench', 'bench', now());
             INSERT INTO clone.store (name, preset) VALUES ('files', 'custom')"

seconds() { local from to; from=$(date +%s.%N); "$@" >/dev/null; to=$(date +%s.%N); echo "$to - $from" | bc; }
note() { echo "$2" >>"$scratch/times.$1"; } # contestant seconds
median() { sort -n "$scratch/times.$1" | awk '{ t[NR] = $1 } END { printf "%.3f", (t[int((NR + 1) / 2)] + t[int((NR + 2) / 2)]) / 2 }'; }
report() { # what contestant...
    local name
    printf '%s:' "$1"; shift
    for name in "$@"; do printf ' %s %s s (%s)' "$name" "$(median "$name")" "$(paste -sd' ' "$scratch/times.$name")"; done
    echo
}
ratio() { # name ours theirs [goal]
    awk -v n="$1" -v o="$(median "$2")" -v t="$(median "$3")" -v goal="${4:-}" 'BEGIN { r = t / o
        if (goal) printf "goal %s %.2f 0.90 %s\n", n, r, (r >= 0.9 ? "met" : "short"); else printf "ratio %s %.2f\n", n, r }'
}
queue() { # count target: copies of from/<n>/f to <target>/<n>/f
    psql -qX -c "TRUNCATE clone.blob_copy" -c "INSERT INTO clone.blob_copy (run_id, store, source_key, target_key)
        SELECT 1, 'files', 'from/' || n || '/f', '$2/' || n || '/f' FROM generate_series(1, $1) AS n" -c 'CHECKPOINT'
}
check() { # count: all rows are done
    [ "$(psql -qXAt -c "SELECT count(*) FROM clone.blob_copy WHERE state = 'done' AND method <> 'present'")" = "$1" ] ||
        { echo "not all $1 files were copied" >&2; exit 1; }
}
uncache() { # directory
    python3 - "$1" <<'EOF'
import os, sys
for directory, _, names in os.walk(sys.argv[1]):
    for name in names:
        file = os.open(os.path.join(directory, name), os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)
EOF
}
files() { # directory count bytes
    local n
    for n in $(seq "$2"); do mkdir -p "$1/$n"; head -c "$3" /dev/urandom >"$1/$n/f"; done
}

directories() { # name count bytes
    local d=$scratch/files count=$2 round turn
    mkdir "$d"
    files "$d/from" "$2" "$3"
    cat "$d"/from/*/f >/dev/null
    plain() {
        local took
        sync -f "$d"
        took=$(seconds cp -r "$d/from" "$d/plain$round")
        note cp "$took"
        note cp+sync "$(echo "$took + $(seconds sync -f "$d")" | bc)"
        fresh "$d/plain$round"
    }
    ours() { # contestant [flag]
        queue "$count" "$1$round"
        sync -f "$d"
        note "$1" "$(seconds "$pg_clone" blobs run --blobs-from "file:$d" --blobs-to "file:$d" "${@:2}")"
        check "$count"
        fresh "$d/$1$round"
    }
    # Many files stay until the end: before ext4 takes an inode it passes over all that were freed within the last minute, and
    # took seven times as long to make 1,000 files after as many were removed. They only leave the cache, so that each contestant
    # finds the same memory: pages that a virtual machine has not used yet made cp take 0.35 s instead of 0.10 s.
    fresh() {
        sync -f "$scratch"
        if [ "$count" -le 100 ]; then rm -rf "$1"; else uncache "$1"; fi
    }
    local turns=(plain 'ours pg_clone' 'ours pg_clone--no-sync --no-sync')
    rm -f "$scratch"/times.*
    for round in $(seq "$rounds"); do
        # Each is first, second and last in turn.
        for turn in 0 1 2; do ${turns[(round + turn) % 3]}; done
    done
    report "$1" cp cp+sync pg_clone pg_clone--no-sync
    ratio "$1_default_to_plain_cp" pg_clone cp
    ratio "$1_durable" pg_clone cp+sync goal
    ratio "$1_no_sync" pg_clone--no-sync cp goal
    rm -rf "$d"
}

buckets() { # name count bytes
    local round
    files "$scratch/up" "$2" "$3"
    "$aws" s3 cp --quiet --recursive "$scratch/up" s3://bench/from
    rm -rf "$scratch/up"
    rm -f "$scratch"/times.*
    for round in $(seq "$rounds"); do
        sync -f "$scratch"
        note aws "$(seconds "$aws" s3 cp --quiet --recursive s3://bench/from "s3://bench/plain$round")"
        queue "$2" "to$round"
        sync -f "$scratch"
        note pg_clone "$(seconds "$pg_clone" blobs run --blobs-from s3://bench --blobs-to s3://bench)"
        check "$2"
        "$aws" s3 rm --quiet --recursive "s3://bench/plain$round"
        "$aws" s3 rm --quiet --recursive "s3://bench/to$round"
        # Without it the server keeps the bytes of deleted objects.
        curl -sS "http://127.0.0.1:$master/vol/vacuum?garbageThreshold=0.01" >/dev/null
    done
    report "$1" aws pg_clone
    ratio "$1" pg_clone aws goal
    "$aws" s3 rm --quiet --recursive s3://bench/
}

start_server() {
    local servers port
    servers=$(scripts/test/servers.sh)
    aws=$(command -v aws || true)
    if [ -z "$aws" ]; then "$servers/venv/bin/pip" install --quiet awscli && aws=$servers/venv/bin/aws; fi
    export AWS_ACCESS_KEY_ID=bench AWS_SECRET_ACCESS_KEY=benchsecret AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
    export AWS_ENDPOINT_URL=http://127.0.0.1:${BENCH_PORT:-18433}
    echo '{"identities":[{"name":"b","credentials":[{"accessKey":"bench","secretKey":"benchsecret"}],"actions":["Admin","Read","Write","List","Tagging"]}]}' >"$scratch/s3.json"
    mkdir "$scratch/weed"
    port=${AWS_ENDPOINT_URL##*:}
    master=$((port + 1))
    "$servers/venv/bin/weed" server -ip=127.0.0.1 -ip.bind=127.0.0.1 -dir="$scratch/weed" -s3 -filer -master.telemetry=false \
        -master.port="$master" -volume.port=$((port + 2)) -filer.port=$((port + 3)) -s3.port="$port" \
        -s3.port.iceberg=0 -s3.port.lance=0 -s3.config="$scratch/s3.json" -master.volumeSizeLimitMB=1024 -volume.max=100 >"$scratch/weed.log" 2>&1 &
    weed_pid=$!
    for _ in $(seq 60); do "$aws" s3 mb s3://bench >/dev/null 2>&1 && break; sleep 1; done
    head -c 10 /dev/zero | "$aws" s3 cp --quiet - s3://bench/warm
}

large=1000000000
[ -z "${BENCH_SMALL:-}" ] || large=100000000
case " $what " in *" directories "*)
    directories blobs_directory_small 1000 100000
    directories blobs_directory_large 4 "$large"
esac
case " $what " in *" buckets "*)
    start_server
    buckets blobs_s3_small 1000 100000
    buckets blobs_s3_large 4 "$large"
esac

#!/usr/bin/env bash
# Throughput of `pgclone blobs run` against plain tools, in one run: `cp -r` for directories, `aws s3 cp --recursive` between
# buckets of a SeaweedFS on loopback. Prints one line per goal: goal <name> <value> <limit> met|short, the value being their
# time over ours. For directories a second ratio is against cp followed by a sync of the file system, which is what ours
# has done when it ends; the goal is the plain cp.
# Needs a release build (cargo build --release -p pgclone), PostgreSQL's programs, 20 GB of disk; BENCH_SMALL=1 runs a
# tenth of the large sizes. The AWS command line is installed from PyPI when there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
pgclone=${PGCLONE_BIN:-$root/target/release/pgclone}
[ -x "$pgclone" ] || { echo "build it first: cargo build --release -p pgclone" >&2; exit 2; }
servers=$(scripts/test-servers.sh)
scratch=$(mktemp -d "${BENCH_DIR:-/var/tmp}/pgclone-bench.XXXXXX")
chmod 755 "$scratch"
bin=$(pg_config --bindir 2>/dev/null || ls -d /usr/lib/postgresql/*/bin | tail -1)
as_server() { if [ "$(id -u)" = 0 ]; then setpriv --reuid postgres --regid postgres --clear-groups "$@"; else "$@"; fi; }

weed_pid=
cleanup() {
    [ -z "$weed_pid" ] || kill "$weed_pid" 2>/dev/null || true
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
for script in catalog runs blob_queue; do psql -qX -v ON_ERROR_STOP=1 -f "sql/install/$script.sql" 2>/dev/null; done
psql -qX -c "INSERT INTO clone.run (store, source_project, target_project, arguments, run_by, session_by, started_at)
             VALUES ('files', 'a', 'b', '{}', 'bench', 'bench', now());
             INSERT INTO clone.store (name, preset) VALUES ('files', 'custom')"

seconds() { local from to; from=$(date +%s.%N); "$@" >/dev/null; to=$(date +%s.%N); echo "$to - $from" | bc; }
queue() { # count: copies of from/<n>/f to to/<n>/f
    psql -qX -c "TRUNCATE clone.blob_copy" -c "INSERT INTO clone.blob_copy (run_id, store, source_key, target_key)
        SELECT 1, 'files', 'from/' || n || '/f', 'to/' || n || '/f' FROM generate_series(1, $1) AS n"
}
goal() { # name ours theirs
    awk -v n="$1" -v o="$2" -v t="$3" 'BEGIN { r = t / o; printf "goal %s %.2f 0.90 %s\n", n, r, (r >= 0.9 ? "met" : "short") }'
}

directories() { # name count bytes
    local d=$scratch/files theirs synced ours
    mkdir -p "$d/from" "$d/to"
    for n in $(seq "$2"); do mkdir "$d/from/$n"; head -c "$3" /dev/urandom >"$d/from/$n/f"; done
    sync -f "$d"
    cat "$d"/from/*/f >/dev/null
    theirs=$(seconds cp -r "$d/from" "$d/plain")
    synced=$(seconds sync -f "$d")
    synced=$(echo "$theirs + $synced" | bc)
    rm -rf "$d/plain"; sync -f "$d"
    queue "$2"
    ours=$(seconds "$pgclone" blobs run --blobs-from "file:$d" --blobs-to "file:$d")
    echo "$1: pgclone ${ours}s, cp -r ${theirs}s, cp -r and sync ${synced}s"
    awk -v n="$1" -v o="$ours" -v t="$synced" 'BEGIN { printf "ratio %s against cp -r and sync: %.2f\n", n, t / o }'
    goal "$1" "$ours" "$theirs"
    rm -rf "$d"; sync -f "$scratch"
}

buckets() { # name count bytes
    local theirs ours
    mkdir "$scratch/up"
    for n in $(seq "$2"); do mkdir -p "$scratch/up/$n"; head -c "$3" /dev/urandom >"$scratch/up/$n/f"; done
    "$aws" s3 cp --quiet --recursive "$scratch/up" s3://bench/from
    theirs=$(seconds "$aws" s3 cp --quiet --recursive s3://bench/from s3://bench/plain)
    queue "$2"
    ours=$(seconds "$pgclone" blobs run --blobs-from s3://bench --blobs-to s3://bench)
    echo "$1: pgclone ${ours}s, aws s3 cp ${theirs}s"
    goal "$1" "$ours" "$theirs"
    rm -rf "$scratch/up"
    "$aws" s3 rm --quiet --recursive s3://bench/
}

large=1000000000
[ -z "${BENCH_SMALL:-}" ] || large=100000000
directories blobs_directory_small 1000 100000
directories blobs_directory_large 4 "$large"

aws=$(command -v aws || true)
if [ -z "$aws" ]; then "$servers/venv/bin/pip" install --quiet awscli && aws=$servers/venv/bin/aws; fi
export AWS_ACCESS_KEY_ID=bench AWS_SECRET_ACCESS_KEY=benchsecret AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export AWS_ENDPOINT_URL=http://127.0.0.1:${BENCH_PORT:-18433}
echo '{"identities":[{"name":"b","credentials":[{"accessKey":"bench","secretKey":"benchsecret"}],"actions":["Admin","Read","Write","List","Tagging"]}]}' >"$scratch/s3.json"
mkdir "$scratch/weed"
port=${AWS_ENDPOINT_URL##*:}
"$servers/venv/bin/weed" server -ip=127.0.0.1 -ip.bind=127.0.0.1 -dir="$scratch/weed" -s3 -filer -master.telemetry=false \
    -master.port=$((port + 1)) -volume.port=$((port + 2)) -filer.port=$((port + 3)) -s3.port="$port" \
    -s3.port.iceberg=0 -s3.port.lance=0 -s3.config="$scratch/s3.json" -master.volumeSizeLimitMB=1024 -volume.max=100 >"$scratch/weed.log" 2>&1 &
weed_pid=$!
for _ in $(seq 60); do "$aws" s3 mb s3://bench >/dev/null 2>&1 && break; sleep 1; done
head -c 10 /dev/zero | "$aws" s3 cp --quiet - s3://bench/warm
buckets blobs_s3_small 1000 100000
buckets blobs_s3_large 4 "$large"

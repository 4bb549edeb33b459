# Shape 5: a project moves: to another server, beside COPY of the same rows; through a file, beside pg_dump and pg_restore.

# A second server in the same scratch directory.
start_second() {
    local bin
    bin=$("$PG_CONFIG" --bindir)
    as_server "$bin/initdb" -D "$scratch/second" -A trust -U postgres --encoding UTF8 --locale C >/dev/null
    # The first server's settings but its place.
    as_server sh -c "tail -6 '$scratch/data/postgresql.conf' >>'$scratch/second/postgresql.conf'; echo 'port = 5433' >>'$scratch/second/postgresql.conf'"
    as_server "$bin/pg_ctl" -D "$scratch/second" -l "$scratch/second.log" -w start >/dev/null
}

second() { PGPORT=5433 "$@"; }

# timed <contestant> <command…>: the time of a command, in milliseconds.
timed() {
    local contestant=$1 start end
    shift
    second sql postgres -c 'DROP DATABASE IF EXISTS arrival' -c 'CREATE DATABASE arrival TEMPLATE moving STRATEGY file_copy' -c CHECKPOINT
    start=$(date +%s%N)
    "$@" >/dev/null
    end=$(date +%s%N)
    [ "$(second sql arrival -c 'SELECT count(*) FROM order_lines')" = "$moving_rows" ] || fail "$contestant did not move all rows"
    results+=("moving $contestant $(((end - start) / 1000000)) 0 0 0")
    echo "  moving $contestant: $(((end - start) / 1000000)) ms" >&2
}

plain_copy() {
    local table
    for table in accounts users customers products warehouses order_lines; do
        sql moving -c "COPY (SELECT * FROM $table WHERE $([ $table = accounts ] && echo id || echo account_id) = 2) TO STDOUT (FORMAT binary)" |
            second sql arrival -c "COPY $table FROM STDIN (FORMAT binary)"
    done
}

moving_copy() { "$pg_clone" copy 2 --from "host=$scratch dbname=moving" --to "host=$scratch port=5433 dbname=arrival" --quiet; }

local_copy() {
    "$pg_clone" copy 2 --engine local --tenant public.accounts --from "host=$scratch dbname=moving" --to "host=$scratch port=5433 dbname=arrival" --quiet
}

dump_and_restore() {
    pg_dump -Fc --data-only --schema=public --file="$scratch/moving.dump" moving
    second pg_restore --data-only --dbname=arrival "$scratch/moving.dump"
}

export_and_import() {
    "$pg_clone" export 2 --dbname "host=$scratch dbname=moving" -o "$scratch/moving.clone" --quiet
    "$pg_clone" import "$scratch/moving.clone" --dbname "host=$scratch port=5433 dbname=arrival" --quiet
}

shape_moving() {
    local round
    pg_clone=${PG_CLONE_BIN:-$CARGO_TARGET_DIR/release/pg_clone}
    if [ ! -x "$pg_clone" ]; then
        say "building the command (release); the first time takes some minutes"
        cargo build --release --quiet --package pg_clone
    fi
    case $scale in tiny) moving_rows=5000 ;; small) moving_rows=200000 ;; full) moving_rows=2000000 ;; esac
    start_second
    new_database moving
    sql moving -v rows="$moving_rows" -f "$here/rails/fill.sql" >/dev/null
    sql moving -c 'DELETE FROM accounts WHERE id <> 2' -c 'VACUUM (FREEZE, ANALYZE)'
    second new_database moving
    second sql moving -v rows=0 -f "$here/rails/fill.sql" >/dev/null
    second sql moving -c 'TRUNCATE accounts, users, customers, products, warehouses' -c 'VACUUM (FREEZE, ANALYZE)'
    for round in $(seq "$rounds"); do
        timed plain_copy plain_copy
        timed copy moving_copy
        timed local local_copy
        timed dump_restore dump_and_restore
        timed export_import export_and_import
    done
    archive_bytes=$(stat -c %s "$scratch/moving.clone")
    # pg_dump knows zstd since 16: the same bytes as it would compress, by zstd at its level.
    if "$("$PG_CONFIG" --bindir)/pg_dump" -Fc -Z zstd --data-only --schema=public --file="$scratch/zstd.dump" moving 2>/dev/null; then
        dump_bytes=$(stat -c %s "$scratch/zstd.dump")
    elif command -v zstd >/dev/null; then
        dump_bytes=$(pg_dump -Fc -Z 0 --data-only --schema=public moving | zstd -3 | wc -c)
    else
        dump_bytes=nan
    fi
    goal moving_copy_time "$(ratio "$(median moving copy 3)" "$(median moving plain_copy 3)")" 1.5
    goal moving_archive_time "$(ratio "$(median moving export_import 3)" "$(median moving dump_restore 3)")" 2.0
    goal moving_archive_size "$(ratio "$archive_bytes" "$dump_bytes")" 1.1
    as_server pg_ctl -D "$scratch/second" -m immediate -w stop >/dev/null
}

tables_moving() {
    local contestant
    echo "### Shape 5: $moving_rows order lines and 15,000 other rows to another server"
    echo
    echo "| moving | time |"
    echo "|---|---|"
    for contestant in plain_copy copy local dump_restore export_import; do
        awk -v n="$contestant" -v t="$(median moving "$contestant" 3)" 'BEGIN { printf "| %s | %.2f s |\n", n, t / 1000 }'
    done
    echo
    echo "The archive has $archive_bytes bytes, pg_dump's file with zstd $dump_bytes."
    echo
}

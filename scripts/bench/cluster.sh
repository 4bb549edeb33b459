# Sourced by bench.sh: a private cluster, and fresh copies of a prepared database, so that every contestant finds the same
# tables and indexes.

as_server() { if [ "$(id -u)" = 0 ]; then setpriv --reuid postgres --regid postgres --clear-groups "$@"; else "$@"; fi; }

start_cluster() {
    local bin
    bin=$("$PG_CONFIG" --bindir)
    PATH=$bin:$PATH
    scratch=$(mktemp -d "${BENCH_DIR:-/var/tmp}/pg-clone-bench.XXXXXX")
    chmod 755 "$scratch"
    [ "$(id -u)" != 0 ] || chown postgres "$scratch"
    trap stop_cluster EXIT
    trap 'exit 130' INT TERM
    as_server "$bin/initdb" -D "$scratch/data" -A trust -U postgres --encoding UTF8 --locale C >/dev/null
    as_server tee -a "$scratch/data/postgresql.conf" >/dev/null <<-EOF
	listen_addresses = ''
	unix_socket_directories = '$scratch'
	fsync = on
	shared_buffers = $shared_buffers
	max_wal_size = $max_wal_size
	checkpoint_timeout = 1h
	autovacuum = off
	EOF
    as_server "$bin/pg_ctl" -D "$scratch/data" -l "$scratch/log" -w start >/dev/null
    export PGHOST=$scratch PGUSER=postgres PGDATABASE=postgres PGOPTIONS='-c client_min_messages=warning'
}

stop_cluster() {
    local data
    for data in data second; do
        as_server pg_ctl -D "$scratch/$data" -m immediate -w stop >/dev/null 2>&1 || true
    done
    rm -rf "$scratch"
}

# sql <database> <psql arguments…>
sql() {
    local database=$1
    shift
    psql -qXAt -v ON_ERROR_STOP=1 -d "$database" "$@"
}

new_database() { sql postgres -c "CREATE DATABASE $1 TEMPLATE template0"; }
drop_database() { sql postgres -c "DROP DATABASE IF EXISTS $1"; }

# A copy of a prepared database, file by file: no trace of it in the WAL or in the shared buffers.
fresh_copy() {
    drop_database "$2"
    sql postgres -c "CREATE DATABASE $2 TEMPLATE $1 STRATEGY file_copy"
}

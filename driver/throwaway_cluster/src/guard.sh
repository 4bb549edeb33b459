# Outlives the process that started it: creates the cluster's directory, waits until its standard input closes, then
# stops the server and removes the directory. Runs as the server's account.
# $1: parent of the directory; $2: PostgreSQL's bin directory.
umask 077
trap '' INT TERM HUP QUIT PIPE
base=$(mktemp -d "$1/pg_clone.XXXXXX") || exit 1
echo "$base"
exec >/dev/null 2>&1
while IFS= read -r word; do
    [ "$word" = keep ] && exit 0
done

# After a SIGKILL of the postmaster its children may still run: they have the data directory as working directory.
end_leftovers() {
    for process in /proc/[0-9]*; do
        case "$(readlink "$process/cwd")" in
            "$base"/*) kill -KILL "${process#/proc/}" ;;
        esac
    done
}

tries=0
while [ -d "$base" ] && [ "$tries" -lt 100 ]; do
    if [ -f "$base/data/postmaster.pid" ]; then
        "$2/pg_ctl" -D "$base/data" stop -m immediate -w -t 10 </dev/null
    fi
    end_leftovers
    # A postmaster that could not clean up leaves its tiny shared memory segment, named in line 7 of its lock file.
    if [ -f "$base/data/postmaster.pid" ]; then
        segment=$(sed -n 7p "$base/data/postmaster.pid" | awk '{print $2}')
        [ -n "$segment" ] && ipcrm -m "$segment"
    fi
    rm -rf "$base"
    tries=$((tries + 1))
    [ -d "$base" ] && sleep 0.1
done

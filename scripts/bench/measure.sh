# Sourced by bench.sh: runs a contestant, keeps what it took, prints tables and goals.

results=() # lines: shape contestant milliseconds wal_bytes memory_bytes cpu_milliseconds
goals=()

# measure <shape> <contestant> <database> <script> <psql arguments…>: one transaction, timed with its commit.
measure() {
    local shape=$1 contestant=$2 database=$3 script=$4 line
    shift 4
    line=$(cd "$here/$(dirname "$script")" && sql "$database" -F ' ' -v script="$here/$script" "$@" -f "$here/measure.sql" | tail -1)
    results+=("$shape $contestant $line")
    echo "  $shape $contestant: $line (ms, WAL bytes, memory bytes, CPU ms)" >&2
}

# A contestant on a fresh copy of a prepared database.
measure_fresh() {
    local shape=$1 contestant=$2 template=$3 script=$4
    shift 4
    fresh_copy "$template" contest
    measure "$shape" "$contestant" contest "$script" "$@"
    drop_database contest
}

# A clone on a fresh copy of a prepared database, and the verification of that clone.
measure_clone_and_verify() {
    local shape=$1 template=$2 source=$3
    fresh_copy "$template" contest
    measure "$shape" clone contest clone.sql -v source="$source"
    measure "$shape" verify contest verify.sql
    drop_database contest
}

# The limit of a verification is the time of its clone.
goal_verify() { # shape
    goal "$1_verify" "$(ratio "$(median "$1" verify 3)" "$(median "$1" clone 3)")" 1.0
}

# median <shape> <contestant> <3 = time | 4 = WAL | 5 = memory | 6 = processor>
median() {
    printf '%s\n' "${results[@]}" | awk -v s="$1" -v c="$2" -v f="$3" '$1 == s && $2 == c { print $f }' | sort -n |
        awk '{ v[NR] = $1 } END { if (NR == 0) { print "nan"; exit } print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# table <shape> <floor> <contestant…>: figures of each contestant as ratios to the floor.
table() {
    local shape=$1 floor=$2 contestant time wal memory cpu
    shift 2
    echo "| $shape | time | of floor | processor | of floor | WAL | of floor | memory growth |"
    echo "|---|---|---|---|---|---|---|---|"
    for contestant in "$floor" "$@"; do
        time=$(median "$shape" "$contestant" 3)
        wal=$(median "$shape" "$contestant" 4)
        memory=$(median "$shape" "$contestant" 5)
        cpu=$(median "$shape" "$contestant" 6)
        awk -v n="$contestant" -v c="$cpu" -v fc="$(median "$shape" "$floor" 6)" -v t="$time" -v w="$wal" -v m="$memory" -v ft="$(median "$shape" "$floor" 3)" -v fw="$(median "$shape" "$floor" 4)" \
            'BEGIN { if (t != "nan") printf "| %s | %.2f s | %.2f | %.2f s | %.2f | %.1f MB | %.2f | %.1f MB |\n", n, t / 1000, t / ft, c / 1000, fc ? c / fc : 0, w / 1e6, w / fw, m / 1048576 }'
    done
    echo
}

# goal <name> <value> <limit> [at-least]: met when the value is at most (at least) the limit.
goal() {
    goals+=("$(awk -v n="$1" -v v="$2" -v l="$3" -v least="${4:-}" \
        'BEGIN { met = (v != "nan") && (least == "" ? v <= l : v >= l); printf "goal %s %.2f %s %s", n, v, l, (met ? "met" : "short") }')")
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { print (a == "nan" || b == "nan" || b == 0) ? "nan" : a / b }'; }

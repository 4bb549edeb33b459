#!/usr/bin/env bash
# Error messages in PostgreSQL's style: a primary message begins in lower case and has no full stop; a hint begins with a capital letter
# and is a sentence, or ends with the statement to run.
set -euo pipefail
cd "$(dirname "$0")/../.."

find pg_clone_ext/src pg_clone_ext/core/src sql/install sql/presets -name '*.rs' -o -name '*.sql' | sort | xargs perl -0777 -ne '
    my $literal = qr/(?:&?format!\(\s*|(?:pg_catalog\.)?format\(\s*)?(?:"((?:[^"\\]|\\.)*)"|(\x27(?:[^\x27]|\x27\x27)*\x27(?:\s*\n\s*\x27(?:[^\x27]|\x27\x27)*\x27)*))/s;
    sub text { my $t = defined $_[0] ? $_[0] : $_[1]; $t =~ s/\\\n\s*//g; $t =~ s/\x27\s*\n\s*\x27//g; $t =~ s/^\x27|\x27$//g; $t }
    sub complain { print "$ARGV: $_[0]: $_[1]\n"; $bad = 1 }
    if (!/#!\[cfg\(test\)\]/) {
        while (/(?:Error::new\(\s*Code::\w+,\s*|bad_argument\(\s*|RAISE (?:EXCEPTION|WARNING|NOTICE) )$literal/g) {
            my $t = text($1, $2);
            complain("message", $t) if $t =~ /[^.]\.$/ || $t =~ /^[A-Z][a-z]/;
        }
        # Text appended by || is not checked: then any end is accepted.
        while (/(?:\.hint\(\s*|HINT = )$literal(\s*\|\|)?/g) {
            my ($t, $more) = (text($1, $2), $3);
            complain("hint", $t) if $t eq "" || $t =~ /^[a-z]/ && $t !~ /^[a-z_]+[(. _]/ || !$more && $t !~ /(?:[.?;…]|[}%]s?L?)$/;
        }
    }
    END { $? = 1 if $bad }
'

# format() makes an empty text of NULL, so that COALESCE has no effect: Did you mean ""?
! grep -rn 'COALESCE(format(\|COALESCE(pg_catalog.format(' sql/install sql/presets

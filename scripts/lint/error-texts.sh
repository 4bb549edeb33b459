#!/usr/bin/env bash
# Every text of an error that a user can cause is shown by a golden script, a page of the documentation or a test: nobody has read the
# others as a user reads them. Not checked: internal errors, and the texts of the core's error types, which end a message that is checked.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Texts that no test can raise, each with the reason. One that is shown after all, or is gone, is to be removed here.
exceptions() {
    cat <<'LIST'
is not counted if this session dies|the server has no free background worker: max_worker_processes, at its start
was created after the tables were locked|another session, between two statements of one call
bytes exceeds PostgreSQL's 1 GB|a value of 1 GB
LIST
}

sources() { find pg_clone_ext/src pg_clone_ext/core/src sql/install sql/presets -name '*.rs' -o -name '*.sql' | sort; }
shown() { { find tests/golden tests/tests docs pg_clone_ext/core -name '*.out' -o -name '*.md' -o -name '*.rs'; echo README.md; } | grep -v /target/ | sort; }

export EXCEPTIONS SHOWN
EXCEPTIONS=$(exceptions) SHOWN=$(shown)
sources | xargs perl -0777 -ne '
    BEGIN {
        local $/;
        for my $file (split /\n/, $ENV{SHOWN}) {
            open my $in, "<", $file or die "$file: $!";
            my $text = <$in>;
            if ($file =~ /\.rs$/) {
                # Of a source only its tests count. A literal may go on in the next line.
                $text =~ s/.*?(?=#\[cfg\(test\)\]\s*mod |\z)//s if $file =~ m{/src/} && $file !~ /tests\.rs$/;
                $text =~ s/\\\n\s*//g;
                $text =~ s/\\(["\\])/$1/g;
            }
            $shown .= "$text\n";
        }
        %reason = map { split /\|/, $_, 2 } split /\n/, $ENV{EXCEPTIONS};
        $rust = qr/"((?:[^"\\]|\\.)*)"/s;
        $sql = qr/(\x27(?:[^\x27]|\x27\x27)*\x27(?:\s*\n\s*\x27(?:[^\x27]|\x27\x27)*\x27)*)/;
    }
    sub check {
        my ($line, @parts) = @_;
        # A text made elsewhere, or by the server.
        return unless grep { /\w{2}/ } @parts;
        my ($exception) = grep { index(join("", @parts), $_) >= 0 } keys %reason;
        my $pattern = join ".*?", map { quotemeta } @parts;
        # Only the lines with the longest part can have all of them.
        my ($longest) = sort { length $b <=> length $a } @parts;
        my $found = 0;
        for (my $at = index $shown, $longest; $at >= 0 && !$found; $at = index $shown, $longest, $at + 1) {
            my ($begin, $end) = (1 + rindex($shown, "\n", $at), index $shown, "\n", $at);
            $found = substr($shown, $begin, $end - $begin) =~ /$pattern/;
        }
        $used{$exception} = 1 if defined $exception && !$found;
        return if $found || defined $exception;
        print "$ARGV:$line: ", join("…", @parts), "\n";
        $bad = 1;
    }
    if ($ARGV =~ /\.sql$/) {
        while (/RAISE (?:EXCEPTION|WARNING)\s+$sql/g) {
            my ($text, $line) = ($1, 1 + (substr($_, 0, $-[0]) =~ tr/\n//));
            $text =~ s/\x27\s*\n\s*\x27//g;
            $text =~ s/^\x27|\x27$//g;
            $text =~ s/\x27\x27/\x27/g;
            check($line, split /%/, $text);
        }
    } elsif ($ARGV !~ /tests\.rs$/) {
        s/#\[cfg\(test\)\]\s*mod .*//s;
        # The functions that make an error of a text, and texts that become the end of a message.
        while (/(?:Error::new\(\s*Code::(?!Internal)\w+,|\b(?:bad_argument|damaged|kept_back|missing|refuse|invalid|wrong|Err)\()\s*(&?format!\(\s*)?$rust/g) {
            my ($format, $text, $line) = ($1, $2, 1 + (substr($_, 0, $-[0]) =~ tr/\n//));
            $text =~ s/\\\n\s*//g;
            $text =~ s/\\(["\\])/$1/g;
            $text =~ s/\{\{/\x01/g, $text =~ s/\}\}/\x02/g if $format;
            my @parts = $format ? split(/\{[^{}]*\}/, $text) : $text;
            tr/\x01\x02/{}/ for @parts;
            check($line, @parts);
        }
    }
    END {
        for (sort grep { !$used{$_} } keys %reason) {
            print "scripts/lint/error-texts.sh: the exception is not needed: $_\n";
            $bad = 1;
        }
        $? = 1 if $bad;
    }
' || {
    echo "Show these errors in a script of tests/golden/sql/errors."
    exit 1
}

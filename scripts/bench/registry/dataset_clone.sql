SELECT format($$SELECT item_clone('10378.1/d%s', '{}', 'ada')$$, n) FROM generate_series(1, :calls) n
\gexec

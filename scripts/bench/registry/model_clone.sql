SELECT format($$SELECT item_clone('10378.1/102', '{"name": "Copy %s"}', 'ada')$$, n) FROM generate_series(1, :calls) n
\gexec

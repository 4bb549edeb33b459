-- Names mean what they say, and a commit need not wait for the disk: a record lost in a crash of the server is made
-- again by the next worker, which finds the file present. A dead client is noticed within a minute on any network.
SET search_path = pg_catalog, pg_temp;
SET synchronous_commit = off;
SET tcp_keepalives_idle = 20;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 4;

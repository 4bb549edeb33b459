-- What an installation holds after some time: three stores, a preset and hooks of its own, runs, a refresh, files in the queue, a job.
CREATE EXTENSION pg_clone_ext;
\ir ../../../tests/fixtures/shop_store.sql
SELECT clone.store_create('documents', 'documents', '{"blobs": "file:/srv/files"}');
SELECT clone.store_create('registry', 'registry', '{"handle_prefix": "20.500.1"}');
SELECT clone.rule('documents', 'Client', '$.secret', 'regenerate', '{"hex": 16}');
SELECT clone.preserve_ids('documents', 'Client');
CREATE FUNCTION public.my_preset(store text, options jsonb) RETURNS void LANGUAGE sql AS 'SELECT';
INSERT INTO clone.preset VALUES ('mine', 'my_preset(text, jsonb)', 'a preset of somebody');
CREATE TABLE public.checked (at timestamptz NOT NULL DEFAULT now());
CREATE FUNCTION public.my_check(store text, arguments jsonb) RETURNS void LANGUAGE sql AS 'INSERT INTO public.checked DEFAULT VALUES';
INSERT INTO clone.store_hook VALUES ('documents', 'check', 'my_check(text, jsonb)');

INSERT INTO documents.project (id, name) VALUES ('00000000-0000-4000-8000-000000000001', 'Source');
INSERT INTO documents.resource (id, project_id, resource_type, content)
SELECT md5(n::text)::uuid, '00000000-0000-4000-8000-000000000001', CASE n % 10 WHEN 0 THEN 'Binary' WHEN 1 THEN 'Client' ELSE 'Note' END,
       jsonb_build_object('id', md5(n::text)::uuid, 'about', 'Note/' || md5((n - 1)::text)::uuid, 'secret', 'of the source')
FROM generate_series(1, 200) n;

CREATE ROLE asker;
SELECT clone.allow('asker');
GRANT USAGE ON SCHEMA documents TO asker;
GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA documents TO asker;
GRANT INSERT ON public.checked TO asker;
SELECT project_clone('00000000-0000-4000-8000-000000000001', 'Staging', options => '{"expires_in": "10 years"}')->>'id' AS staging \gset
SELECT project_clone('00000000-0000-4000-8000-000000000001', 'Staging', options => jsonb_build_object('replace', :'staging'));
SELECT project_clone(id::text, 'Acme staging', store => 'shop') FROM shop.tenant WHERE name = 'Acme';
SET ROLE asker;
SELECT project_clone_start('00000000-0000-4000-8000-000000000001', 'By a job');

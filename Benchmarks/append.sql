-- 64 changes judged and appended in one transaction, as the server does with what came in while the last one
-- committed.
\set first random(1, 900)
SELECT count(*) FROM append_changes(
    now(), array_fill('bench'::text, ARRAY[64]), array_fill('api'::text, ARRAY[64]), array_fill(NULL::text, ARRAY[64]),
    ARRAY(SELECT generate_series(:first, :first + 63)::bigint), array_fill(date_trunc('second', now()), ARRAY[64]),
    array_fill('bench'::text, ARRAY[64]), array_fill(NULL::bigint, ARRAY[64]), array_fill('deploy'::text, ARRAY[64]),
    array_fill('crm 26.3'::text, ARRAY[64]), array_fill('crm'::text, ARRAY[64]), array_fill(NULL::text, ARRAY[64]),
    array_fill(NULL::text, ARRAY[64]), array_fill(NULL::text, ARRAY[64]), array_fill(NULL::bigint, ARRAY[64]));

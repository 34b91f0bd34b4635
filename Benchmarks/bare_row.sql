-- One bare row of a change, with a key and nothing else: the floor of any log with the same durability.
\set environment random(1, 1000)
INSERT INTO bare_rows (environment_id, occurred_at, actor, summary)
VALUES (:environment, now(), 'bench', 'crm 26.3');

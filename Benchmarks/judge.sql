-- One judgement of a change of the busiest environment, at an instant of this week.
\set hour random(0, 160)
SELECT control
FROM judge_changes(ARRAY[1], ARRAY[1], ARRAY[date_trunc('week', now()) + :hour * interval '1 hour'], ARRAY[false]);

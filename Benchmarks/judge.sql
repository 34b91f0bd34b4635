-- One judgement of a change of the busiest environment, at an instant of this week.
\set hour random(0, 160)
SELECT control FROM judge_change(1, 1, date_trunc('week', now()) + :hour * interval '1 hour', false);

-- The latest line of each run in the ledger, newest first.
SELECT
  run_id, as_of, state, backfill, started_at, ended_at, customers, left_out, message, previous_run, bytes_billed, snapshot, code_version
FROM (
  SELECT *, row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC, state) AS nth
  FROM run_events
) AS e
WHERE nth = 1 AND (@run_id = '' OR run_id = @run_id)
ORDER BY ended_at DESC, run_id DESC
LIMIT 1000

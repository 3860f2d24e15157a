-- What the history tells of a customer, as it is true now.
SELECT true_from, known_from, core_segment, previous_segment, cause
FROM (
  SELECT *, row_number() OVER (PARTITION BY true_from ORDER BY known_from DESC, run_id DESC) AS nth
  FROM segment_history
  WHERE customer_id = @customer_id
) AS h
WHERE nth = 1
ORDER BY true_from

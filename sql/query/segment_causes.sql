-- Why each customer is in another core segment than before: the last of the inputs of cause_inputs that changed the label.
-- Who was not there then is new, unless today's sources say that they were known: they had refused, or their rows came
-- late. Who is not there now has refused or been deleted, or no source knows the id any more.
WITH scored AS (
  SELECT
    customer_id,
    coalesce(max(CASE WHEN variant = 'cut' THEN segment END), '') AS cut,
    coalesce(max(CASE WHEN variant = 'silence' THEN segment END), '') AS silence,
    coalesce(max(CASE WHEN variant = 'corrected' THEN segment END), '') AS corrected,
    coalesce(max(CASE WHEN variant = 'purchase' THEN segment END), '') AS purchase
  FROM cause_labels
  GROUP BY customer_id
),
ruled AS (
  SELECT customer_id, coalesce(segment, '') AS rule FROM rule_labels WHERE variant = 'rule'
),
agreed AS (
  SELECT customer_id FROM canonical_customers WHERE reject IS NULL AND consent_profiling
)
SELECT
  m.customer_id, m.from_segment, m.to_segment,
  CASE
    WHEN NOT m.was_there AND c.customer_id IS NULL THEN 'new'
    WHEN NOT m.was_there AND @left_out_then AND a.customer_id IS NOT NULL THEN 'consent'
    WHEN NOT m.was_there THEN 'corrected'
    WHEN NOT m.is_there AND k.left_out IS NOT NULL THEN 'consent'
    WHEN NOT m.is_there THEN 'identity'
    WHEN s.purchase <> m.to_segment THEN 'activity'
    WHEN s.corrected <> s.purchase THEN 'purchase'
    WHEN s.silence <> s.corrected THEN 'corrected'
    WHEN s.cut <> s.silence THEN 'silence'
    WHEN @hybrid AND r.rule <> s.cut THEN 'cut moved'
    WHEN NOT @hybrid AND @cut_moved THEN 'cut moved'
    ELSE 'rule changed'
  END AS cause
FROM movers AS m
LEFT JOIN core_inputs AS c ON c.customer_id = m.customer_id
LEFT JOIN agreed AS a ON a.customer_id = m.customer_id
LEFT JOIN known_customers AS k ON k.customer_id = m.customer_id
LEFT JOIN scored AS s ON s.customer_id = m.customer_id
LEFT JOIN ruled AS r ON r.customer_id = m.customer_id

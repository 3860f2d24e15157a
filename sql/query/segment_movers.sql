-- Who is in another core segment than in the previous generation, or in one only then or only now. No segment is ''.
SELECT
  coalesce(n.customer_id, b.customer_id) AS customer_id,
  b.customer_id IS NOT NULL AS was_there,
  n.customer_id IS NOT NULL AS is_there,
  coalesce(b.segment, '') AS from_segment,
  coalesce(n.segment, '') AS to_segment
FROM previous_members AS b
FULL OUTER JOIN members AS n ON n.customer_id = b.customer_id
WHERE coalesce(b.segment, '') <> coalesce(n.segment, '')

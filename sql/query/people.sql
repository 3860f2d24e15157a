-- Where to reach who is in a segment of the newest published day and may be e-mailed: by that day's consent and
-- unsubscriptions, and by what the customers source says whenever this is asked. Of several records of a customer the one
-- counts that the run would use (see canonical_customers). Who is deleted, or objects to profiling, is out at once.
-- Who is in the holdout is not there either.
WITH ranked AS (
  SELECT
    customer_id, email, phone, consent_profiling, consent_email, deleted_at,
    row_number() OVER (
      PARTITION BY customer_id
      ORDER BY
        created_at DESC NULLS LAST, consent_profiling NULLS LAST, consent_email NULLS LAST, deleted_at NULLS LAST,
        email NULLS LAST, phone NULLS LAST
    ) AS place
  FROM addresses
)
SELECT r.customer_id, r.email, r.phone
FROM ranked AS r
JOIN customer_segments_current AS s ON s.customer_id = r.customer_id
JOIN customer_features_current AS f ON f.customer_id = r.customer_id
WHERE
  r.place = 1 AND r.consent_email AND coalesce(r.consent_profiling, TRUE) AND r.deleted_at IS NULL
  AND (r.email IS NOT NULL OR r.phone IS NOT NULL)
  AND f.email_allowed AND NOT coalesce(s.in_holdout, FALSE)

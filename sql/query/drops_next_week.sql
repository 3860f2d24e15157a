-- Whom silence alone takes to another RFM segment within the 7 days after the newest published day.
SELECT as_of, customer_id, core_segment, rfm_segment, drops_on, drops_to
FROM customer_segments_current
WHERE drops_on <= date_add(as_of, INTERVAL 7 DAY)

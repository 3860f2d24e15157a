-- What conversions said of a segment on a day.
SELECT segmentation, conversion_kind, origin, horizon_days, customers, converters, rate, rate_low, rate_high, lift, q_value, verdict, merge_candidate
FROM segment_validation
WHERE as_of = @as_of AND lower(segment) = lower(@segment)
ORDER BY segmentation, conversion_kind, origin DESC, horizon_days DESC

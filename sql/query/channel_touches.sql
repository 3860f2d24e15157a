-- The touches of the days, by channel and by the core segment as of then.
SELECT channel, segment, count(*) AS touches
FROM touches
WHERE occurred_day > @as_of_day - @attribution_days
GROUP BY channel, segment

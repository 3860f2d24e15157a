SELECT CASE WHEN q.`as_of` IS NULL THEN CAST(ERROR("segments refuses the column as_of") AS DATE) ELSE CAST(q.`as_of` AS DATE) END AS `as_of`,
  CASE WHEN q.`run_id` IS NULL THEN CAST(ERROR("segments refuses the column run_id") AS STRING) ELSE CAST(q.`run_id` AS STRING) END AS `run_id`,
  CASE WHEN IS_NAN(CAST(q.`value` AS FLOAT64)) OR IS_INF(CAST(q.`value` AS FLOAT64)) THEN CAST(ERROR("segments refuses the column value") AS FLOAT64) ELSE CAST(q.`value` AS FLOAT64) END AS `value`
FROM (SELECT as_of, run_id, value FROM `example-project`.`segments`.`dated`
) AS q;

CREATE TABLE IF NOT EXISTS `p`.`d`.`example` (
  `as_of` DATE NOT NULL OPTIONS (description = "The day."),
  `customer_id` STRING NOT NULL OPTIONS (description = "Who."),
  `size` STRING OPTIONS (description = "How large | small. One of: s, l."),
  `value` FLOAT64 OPTIONS (description = "How much. Unit: money."),
  `orders` INT64 NOT NULL OPTIONS (description = "How often. Unit: orders."),
  `known` BOOL NOT NULL OPTIONS (description = "Whether."),
  `seen_at` TIMESTAMP OPTIONS (description = "When.")
)
PARTITION BY `as_of`
CLUSTER BY `customer_id`
OPTIONS (description = "One row a \"customer\"; it's an example.");
ALTER TABLE `p`.`d`.`example` ADD COLUMN `more` FLOAT64;

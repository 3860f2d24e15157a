CREATE TABLE IF NOT EXISTS "example" (
  "as_of" DATE NOT NULL,
  "customer_id" VARCHAR NOT NULL,
  "size" VARCHAR,
  "value" DOUBLE,
  "orders" BIGINT NOT NULL,
  "known" BOOLEAN NOT NULL,
  "seen_at" TIMESTAMP
);
COMMENT ON TABLE "example" IS 'One row a "customer"; it''s an example.';
COMMENT ON COLUMN "example"."as_of" IS 'The day.';
COMMENT ON COLUMN "example"."customer_id" IS 'Who.';
COMMENT ON COLUMN "example"."size" IS 'How large | small. One of: s, l.';
COMMENT ON COLUMN "example"."value" IS 'How much. Unit: money.';
COMMENT ON COLUMN "example"."orders" IS 'How often. Unit: orders.';
COMMENT ON COLUMN "example"."known" IS 'Whether.';
COMMENT ON COLUMN "example"."seen_at" IS 'When.';
ALTER TABLE "example" ADD COLUMN "more" DOUBLE;

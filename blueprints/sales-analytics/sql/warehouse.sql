create external schema if not exists spectrum_schema from data catalog database 'spectrum_db' region 'us-east-1'
  IAM_ROLE '{role_arn}' create external database if not exists;;
CREATE EXTERNAL TABLE IF NOT EXISTS spectrum_schema.ecommerce_sales(
  ItemID int, Category varchar, Price DOUBLE PRECISION, Quantity int, OrderDate TIMESTAMP, DestinationState varchar,
  ShippingType varchar, Referral varchar)
ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LINES TERMINATED BY '\n' LOCATION 's3://{bucket}/CDC/';;
DROP TABLE IF EXISTS date_dimension;;
CREATE TABLE date_dimension (
  d_datekey integer not null sortkey, d_dayofmonth integer not null, d_monthnum integer not null,
  d_dayofweek varchar(10) not null, d_prettydate date not null, d_quarter integer not null, d_half integer not null,
  d_year integer not null, d_season varchar(10) not null, d_fiscalyear integer not null) diststyle all;;
copy date_dimension from 's3://{bucket}/{dates}' iam_role '{role_arn}' dateformat 'auto';;

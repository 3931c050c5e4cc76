CREATE TABLE Sales (
  InvoiceID int NOT NULL AUTO_INCREMENT,
  ItemID int NOT NULL,
  Category varchar(255),
  Price double(10,2),
  Quantity int not NULL,
  OrderDate timestamp,
  DestinationState varchar(2),
  ShippingType varchar(255),
  Referral varchar(255),
  PRIMARY KEY (InvoiceID)
);;
DROP PROCEDURE IF EXISTS CDC_TO_FIREHOSE;;
CREATE PROCEDURE CDC_TO_FIREHOSE (IN ItemID VARCHAR(255),
  IN Category varchar(255), IN Price double(10,2), IN Quantity int(11), IN OrderDate timestamp,
  IN DestinationState varchar(2), IN ShippingType varchar(255), IN Referral varchar(255)) LANGUAGE SQL
BEGIN
  CALL mysql.lambda_async('{function_arn}',
     CONCAT('{ "ItemID" : "', ItemID, '", "Category" : "', Category, '", "Price" : "', Price, '", "Quantity" : "', Quantity,
            '", "OrderDate" : "', OrderDate, '", "DestinationState" : "', DestinationState,
            '", "ShippingType" : "', ShippingType, '", "Referral" : "', Referral, '"}'));
END;;
DROP TRIGGER IF EXISTS TR_Sales_CDC;;
CREATE TRIGGER TR_Sales_CDC AFTER INSERT ON Sales FOR EACH ROW
BEGIN
  SELECT NEW.ItemID, NEW.Category, New.Price, New.Quantity, New.OrderDate, New.DestinationState, New.ShippingType, New.Referral
    INTO @ItemID, @Category, @Price, @Quantity, @OrderDate, @DestinationState, @ShippingType, @Referral;
  CALL CDC_TO_FIREHOSE(@ItemID, @Category, @Price, @Quantity, @OrderDate, @DestinationState, @ShippingType, @Referral);
END;;

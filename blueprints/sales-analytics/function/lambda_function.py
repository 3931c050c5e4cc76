"""The post's function: one line of CSV for each row that the trigger hands over."""

import boto3

firehose = boto3.client("firehose")
stream_name = "AuroraChangesToS3"


def Kinesis_publish_message(event, context):  # noqa: N802 - the post's name
    """Put the row into the delivery stream."""
    firehose_data = "%s,%s,%s,%s,%s,%s,%s,%s\n" % (  # noqa: UP031 - as in the post
        event["ItemID"],
        event["Category"],
        event["Price"],
        event["Quantity"],
        event["OrderDate"],
        event["DestinationState"],
        event["ShippingType"],
        event["Referral"],
    )
    firehose_data = {"Data": str(firehose_data)}
    print(firehose_data)
    firehose.put_record(DeliveryStreamName=stream_name, Record=firehose_data)

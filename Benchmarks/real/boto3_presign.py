# {"requirements": ["boto3"], "memoryMB": 256}
import boto3

client = boto3.client("s3", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")


def handler(event):
    url = client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": event["name"]})
    return url.split("?")[0]
